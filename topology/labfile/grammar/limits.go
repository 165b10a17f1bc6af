package grammar

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"labctl/topology/problem"
)

// Limits of a file. They are far beyond any lab that a machine can run; each keeps what a megabyte of text can cost in
// time and memory within what a person waits for.
const (
	MaxFile   = 1 << 20 // bytes
	maxValues = 1 << 18 // keys and values
	maxDepth  = 100     // nesting depth of lists and maps; nested labs need about five for each level
)

// maxSource is how much of a line is shown, and maxMessage how much of what is said of it; in bytes.
const (
	maxSource  = 300
	maxMessage = 1000
)

// maxCompared bounds the suggestions of one file: the letters of its mistakes times those of what they are compared
// with. The first fifty mistakes, which are all that is shown, come to less in any file of names of ten letters.
const maxCompared = 1 << 26

// stopped is what Stop panics with; only Read may catch it.
type stopped struct{}

// Stop ends the reading of the file, of which a mistake has been reported: what follows from it would take long or be
// noise.
func (d *Document) Stop() { panic(stopped{}) }

// Read reads until the end or until Stop is called.
func (d *Document) Read(read func()) {
	defer func() {
		if x := recover(); x != nil {
			if _, ok := x.(stopped); !ok {
				panic(x)
			}
			d.overlay = nil
		}
	}()
	read()
}

// Unreadable says why the bytes cannot be a document at all, before any of them is parsed, or "".
func Unreadable(src []byte) string {
	if len(src) > MaxFile {
		return fmt.Sprintf("the file is too long; a lab file has at most %d bytes (1 MiB)", MaxFile)
	}
	if len(bytes.TrimSpace(bytes.TrimPrefix(src, []byte(bom)))) == 0 {
		return `the file is empty; a lab begins with "format: 1"`
	}
	for i, line := 0, 1; i < len(src); {
		c, n := utf8.DecodeRune(src[i:])
		switch {
		case c == utf8.RuneError && n == 1:
			return fmt.Sprintf("not a text file: byte %#02x in line %d is not UTF-8", src[i], line)
		case c == '\r' && i+1 < len(src) && src[i+1] == '\n':
		case control(c):
			return fmt.Sprintf("not a text file: line %d has the control character %U", line, c)
		case c == '\n':
			line++
		}
		i += n
	}
	return ""
}

// control reports whether no text of a lab file may have the character: terminals obey it, a shell ends at NUL, or YAML
// 1.1 breaks lines at it and editors do not, so that positions would lie.
func control(c rune) bool {
	return c < ' ' && c != '\t' && c != '\n' || c >= 0x7f && c < 0xa0 || c == 0x2028 || c == 0x2029
}

// fewValues refuses a file with more keys and values than there can be in a lab. It must not parse them: the parser
// takes hundreds of bytes for each. So it counts the marks in front of one, those in texts too.
func (d *Document) fewValues() bool {
	count, waits := 0, false // waits: the value behind the last mark has not begun
	for i, c := range d.src {
		begins := false
		switch c {
		case ' ', '\t', '\n', '\r':
			continue
		case ',', '?':
			begins, waits = true, true
		case '-', ':':
			begins = i+1 == len(d.src) || bytes.IndexByte([]byte(" \t\n\r,]}[{\"'"), d.src[i+1]) >= 0
			waits = begins
		case '[', '{':
			begins, waits = !waits, false
		default:
			waits = false
		}
		if !begins {
			continue
		}
		if count++; count > maxValues {
			line := 1 + bytes.Count(d.src[:i], []byte("\n"))
			text := fmt.Sprintf("the file has more than %d keys and values up to here, commas in texts counted; "+
				"no lab needs as many", maxValues)
			d.Add(problem.Pos{Line: line, Col: i - d.lines[line-1] + 1}, 1, "", text, false)
			return false
		}
	}
	return true
}

// Near is [problem.Suggest] while the file has not had too many suggestions; have is not called after that.
func (d *Document) Near(word string, have func() []string) string {
	if d.compared > maxCompared {
		return ""
	}
	list := have()
	for _, c := range list {
		d.compared += len(word)*min(len(c), problem.MaxGuessed) + 1
	}
	return problem.Suggest(word, list)
}

// NearOrList is Near, or all that there is if nothing is near.
func (d *Document) NearOrList(word string, have func() []string) string {
	if d.compared > maxCompared {
		return ""
	}
	list := have()
	if near := d.Near(word, func() []string { return list }); near != "" {
		return near
	}
	return problem.Listed(list)
}

// NearBy is a suggestion that find makes by itself, while the file has not had too many: it counts as one part in a
// thousand of what a file may have.
func (d *Document) NearBy(find func() string) string {
	if d.compared > maxCompared {
		return ""
	}
	d.compared += maxCompared >> 10
	return find()
}
