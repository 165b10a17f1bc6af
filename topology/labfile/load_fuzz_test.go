package labfile

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// FuzzLoad: whatever the bytes, Load says what is wrong with them, in places that exist.
func FuzzLoad(f *testing.F) {
	names, _ := filepath.Glob("testdata/bad/*.yaml")
	for _, name := range append(names, labFiles(f)...) {
		f.Add(mustRead(f, name))
	}
	// Stories of the YAML parser: marks behind the end, blocks without lines, keys that are null.
	for _, s := range []string{"format: 1\nexpect: {ping: |", "format: 1\nnodes:\n  a:\n    ip: |1\n", "format: 1\nlinks:\n- ' -- '",
		"format: 1\n? \n: x", "format: 1\nnodes: {a: {interfaces: {b: {veth: b}}}}", "format: 1\nexpect:\n  ping: |+\n\n\n  \n# x",
		"nodes:\n A0:\n   rules:\n    00:\n       nft: 00\n        0\"", "nodes:\n a:\n  rules:\n   r:\n    iptables: -A\n     X 'y"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		lab, problems := Load("fuzz.yaml", src)
		if (lab == nil) != (len(problems.Errors()) > 0) {
			t.Fatalf("lab %v with problems %v", lab, problems)
		}
		inside(t, src, problems)
		_ = problems.Error()
	})
}

// bigLab is a lab of n hosts on one bridge node in every thousand.
func bigLab(n int) []byte {
	var b bytes.Buffer
	b.WriteString("format: 1\nlab: big\nsysctls: {rp_filter: 2}\nnodes:\n")
	for i := 0; i < n; i += 1000 {
		fmt.Fprintf(&b, "  s%d: {kind: bridge}\n", i/1000)
	}
	for i := range n {
		fmt.Fprintf(&b, "  h%d: {ip: 10.%d.%d.%d/8, routes: {default: 10.255.255.254}}\n", i, i>>16, i>>8&255, i&255)
	}
	b.WriteString("links:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - h%d -- s%d\n", i, i/1000)
	}
	return b.Bytes()
}

func BenchmarkLoad1000(b *testing.B) {
	src := bigLab(1000)
	b.ReportAllocs()
	for b.Loop() {
		if lab, problems := Load("big.yaml", src); lab == nil {
			b.Fatal(problems.Error())
		}
	}
}

func TestLoadRefusesBombsQuickly(t *testing.T) {
	bomb := "format: 1\nlab: t\nx0: &x0 [a, a, a, a, a, a, a, a, a]\n"
	for i := 1; i < 30; i++ {
		bomb += fmt.Sprintf("x%d: &x%d [*x%d, *x%d, *x%d, *x%d, *x%d, *x%d]\n", i, i, i-1, i-1, i-1, i-1, i-1, i-1)
	}
	for _, c := range []struct{ name, src, want string }{
		{"10 MB", strings.Repeat("# a line of ten megabytes\n", 400_000), "a lab file has at most 1048576"},
		{"aliases", bomb, "aliases are not allowed"},
		{"depth", "format: 1\nx: " + strings.Repeat("[", 200_000), "nested too deep"},
		{"NUL", "format: 1\x00", "control character"},
		{"nothing", "\ufeff \n", "the file is empty"},
	} {
		start := time.Now()
		lab, problems := Load("bomb.yaml", []byte(c.src))
		if lab != nil || !strings.Contains(problems.Error(), c.want) {
			t.Errorf("%s: lab %v, %v", c.name, lab, problems.Error())
		}
		if d := time.Since(start); d > 2*time.Second {
			t.Errorf("%s: took %v", c.name, d)
		}
	}
}
