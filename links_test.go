package labctl_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

var (
	linkRE    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	headingRE = regexp.MustCompile(`^#{1,6} +(.*)$`)
	codeRE    = regexp.MustCompile("`[^`]*`")
)

// page is a document: where its links lead, and what they can lead to in it.
type page struct {
	links   []pageLink
	anchors []string
}

type pageLink struct {
	line   int
	target string
}

// TestPagesAreLinked walks the links from README.md: every page of docs is reached, and no link is dead, anchors
// included.
func TestPagesAreLinked(t *testing.T) {
	pages, queue := map[string]page{}, []string{"README.md", "CONTRIBUTING.md"}
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		if _, known := pages[path]; known {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		pages[path] = readPage(string(text))
		for _, l := range pages[path].links {
			file, _ := resolve(path, l.target)
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s:%d: %s: there is no such file", path, l.line, l.target)
			} else if filepath.Ext(file) == ".md" {
				queue = append(queue, file)
			}
		}
	}
	for path, p := range pages {
		for _, l := range p.links {
			file, anchor := resolve(path, l.target)
			if to, isPage := pages[file]; isPage && anchor != "" && !slices.Contains(to.anchors, anchor) {
				t.Errorf("%s:%d: %s: %s has no such heading", path, l.line, l.target, file)
			}
		}
	}
	for _, pattern := range []string{"docs/*.md", "docs/*/*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, f := range files {
			if _, reached := pages[f]; !reached {
				t.Errorf("%s: no link leads from README.md to it", f)
			}
		}
	}
}

// readPage finds the links outside code, and the anchors that GitHub gives to headings.
func readPage(text string) page {
	var p page
	seen := map[string]int{}
	code := false
	for i, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "```") {
			code = !code
		}
		if code {
			continue
		}
		if m := headingRE.FindStringSubmatch(line); m != nil {
			slug := slugOf(m[1])
			if n := seen[slug]; n > 0 {
				p.anchors = append(p.anchors, slug+"-"+strconv.Itoa(n))
			} else {
				p.anchors = append(p.anchors, slug)
			}
			seen[slug]++
		}
		for _, m := range linkRE.FindAllStringSubmatch(codeRE.ReplaceAllString(line, ""), -1) {
			if !strings.Contains(m[1], "://") {
				p.links = append(p.links, pageLink{i + 1, m[1]})
			}
		}
	}
	return p
}

// slugOf is the anchor of a heading: lower case, "-" for blanks, and of the rest letters, digits, "-" and "_".
func slugOf(heading string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == ' ':
			return '-'
		case unicode.IsLetter(c), unicode.IsDigit(c), c == '-', c == '_':
			return unicode.ToLower(c)
		}
		return -1
	}, strings.TrimSpace(heading))
}

// resolve is the file that a link on a page leads to, and the anchor in it.
func resolve(path, target string) (file, anchor string) {
	file, anchor, _ = strings.Cut(target, "#")
	if file == "" {
		return path, anchor
	}
	return filepath.Join(filepath.Dir(path), filepath.FromSlash(file)), anchor
}

func TestAnchors(t *testing.T) {
	p := readPage("# A page\n## Mininet → labctl\n## 3.7 Rules\n## `up`, and why\n## 3.7 Rules\n```\n# no heading\n[x](no-link)\n```\n" +
		"[a](b.md#c) `[no](link)` [x](https://example.org)\n")
	if want := []string{"a-page", "mininet--labctl", "37-rules", "up-and-why", "37-rules-1"}; !slices.Equal(p.anchors, want) {
		t.Errorf("%q, want %q", p.anchors, want)
	}
	if len(p.links) != 1 || p.links[0].target != "b.md#c" {
		t.Errorf("%v", p.links)
	}
}
