package labctl_test

import (
	"go/ast"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	gopackages "golang.org/x/tools/go/packages"
)

// A circle of files is a set in which each uses something that each other declares, directly or by way of others.
// Nobody can read one of them without all of them, so a circle should be one idea. A type with more methods than
// maxMethods plays several roles. These are what is larger today. A number may only become smaller, and goes away with
// the cause.
const maxCircle, maxMethods = 12, 40

var largerCircles = map[string]int{}

var largerTypes = map[string]int{}

// typed loads the tree's packages once for all tests: the compiler's work on what they import takes most of the time.
var typed = sync.OnceValues(func() ([]*gopackages.Package, error) {
	config := &gopackages.Config{Mode: gopackages.NeedName | gopackages.NeedFiles | gopackages.NeedSyntax |
		gopackages.NeedTypes | gopackages.NeedTypesInfo | gopackages.NeedImports | gopackages.NeedExportFile}
	return gopackages.Load(config, "./...")
})

func TestCirclesAndRoles(t *testing.T) {
	all, err := typed()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 5 {
		t.Fatalf("only %d packages", len(all))
	}
	met := map[string]bool{}
	for _, p := range all {
		for _, e := range p.Errors {
			t.Error(e)
		}
		circle := largestCircle(fileUses(p))
		limit := maxCircle
		if n, ok := largerCircles[p.PkgPath]; ok {
			limit, met[p.PkgPath] = n, true
			if len(circle) < n {
				t.Errorf("%s: its largest circle has %d files now: lower the number in largerCircles, or take it off", p.PkgPath, len(circle))
			}
		}
		if len(circle) > limit {
			t.Errorf("%s: %d files use each other in a circle, of at most %d: %s", p.PkgPath, len(circle), limit, strings.Join(circle, " "))
		}
		for name, n := range methods(p) {
			limit, of := maxMethods, p.PkgPath+"."+name
			if larger, ok := largerTypes[of]; ok {
				limit, met[of] = larger, true
				if n < larger {
					t.Errorf("%s has %d methods now: lower the number in largerTypes, or take it off", of, n)
				}
			}
			if n > limit {
				t.Errorf("%s has %d methods, of at most %d: give each role a type of its own", of, n, limit)
			}
		}
	}
	for _, list := range []map[string]int{largerCircles, largerTypes} {
		for what := range list {
			if !met[what] {
				t.Errorf("%s is not there any more: take it off the list", what)
			}
		}
	}
}

// fileUses maps each file of a package to the files that declare what it uses. A method is declared where it is
// written, not where its type is.
func fileUses(p *gopackages.Package) map[string]map[string]bool {
	file := func(at token.Pos) string { return filepath.Base(p.Fset.Position(at).Filename) }
	uses := map[string]map[string]bool{}
	for id, object := range p.TypesInfo.Uses {
		if object.Pkg() != p.Types || !atPackageLevel(p, object) {
			continue
		}
		from, to := file(id.Pos()), file(object.Pos())
		if from == to {
			continue
		}
		if uses[from] == nil {
			uses[from] = map[string]bool{}
		}
		uses[from][to] = true
	}
	return uses
}

// atPackageLevel tells whether an object is one that a file offers to others: a package's own name, a method or a
// field.
func atPackageLevel(p *gopackages.Package, o types.Object) bool {
	if o.Parent() == p.Types.Scope() {
		return true
	}
	switch o := o.(type) {
	case *types.Func:
		return o.Signature().Recv() != nil
	case *types.Var:
		return o.IsField()
	}
	return false
}

// largestCircle is the largest strongly connected component (Tarjan 1972), sorted. A file alone is not a circle.
func largestCircle(uses map[string]map[string]bool) []string {
	var largest, stack []string
	index, low, on := map[string]int{}, map[string]int{}, map[string]bool{}
	var visit func(string)
	visit = func(v string) {
		index[v] = len(index) + 1
		low[v] = index[v]
		stack, on[v] = append(stack, v), true
		for w := range uses[v] {
			if index[w] == 0 {
				visit(w)
				low[v] = min(low[v], low[w])
			} else if on[w] {
				low[v] = min(low[v], index[w])
			}
		}
		if low[v] != index[v] {
			return
		}
		at := slices.Index(stack, v)
		if circle := slices.Clone(stack[at:]); len(circle) > max(1, len(largest)) {
			slices.Sort(circle)
			largest = circle
		}
		for _, w := range stack[at:] {
			on[w] = false
		}
		stack = stack[:at]
	}
	for v := range uses {
		if index[v] == 0 {
			visit(v)
		}
	}
	return largest
}

// methods counts the methods that a package declares, by the name of their type.
func methods(p *gopackages.Package) map[string]int {
	count := map[string]int{}
	for _, file := range p.Syntax {
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv == nil {
				continue
			}
			of := f.Recv.List[0].Type
			if star, ok := of.(*ast.StarExpr); ok {
				of = star.X
			}
			if generic, ok := of.(*ast.IndexExpr); ok {
				of = generic.X
			}
			if name, ok := of.(*ast.Ident); ok {
				count[name.Name]++
			}
		}
	}
	return count
}

// TestTheWalksNameWhatIsThere: the walks of docs/architecture.md name functions, types and methods as `package.Name` or
// `package.Type.Method`. A reader opens them in that order, so each has to be there.
func TestTheWalksNameWhatIsThere(t *testing.T) {
	text, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	_, walks, found := strings.Cut(string(text), "\n## Three walks\n")
	walks, _, ends := strings.Cut(walks, "\n## ")
	if !found || !ends {
		t.Fatal("docs/architecture.md has no section of walks")
	}
	all, err := typed()
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]*types.Package{}
	for _, p := range all {
		byName[p.Name] = p.Types
	}
	met := 0
	for _, m := range regexp.MustCompile("`([a-z]+)\\.([A-Z][A-Za-z]*)(?:\\.([A-Z][A-Za-z]*))?`").FindAllStringSubmatch(walks, -1) {
		p := byName[m[1]]
		if p == nil {
			t.Errorf("%s: no such package", m[0])
			continue
		}
		met++
		o := p.Scope().Lookup(m[2])
		if o == nil {
			t.Errorf("%s is not there any more", m[0])
			continue
		}
		if m[3] != "" {
			if member, _, _ := types.LookupFieldOrMethod(o.Type(), true, p, m[3]); member == nil {
				t.Errorf("%s: %s.%s has nothing of that name", m[0], m[1], m[2])
			}
		}
	}
	if met < 20 {
		t.Errorf("only %d names: are the walks still there?", met)
	}
}
