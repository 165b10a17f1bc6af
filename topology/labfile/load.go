package labfile

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"labctl/topology/problem"
)

// maxFile is the size of the longest lab file that is read, in bytes.
const maxFile = 1 << 20

// Load reads and checks a lab file. file is only a name for messages. The result is nil exactly if problems has an entry that is
// not a warning; all mistakes of the file are reported at once, in file order, unless there are a thousand: then the rest of the
// file is not read. Load keeps src: the caller must not change it.
func Load(file string, src []byte) (f *File, problems problem.List) {
	r := newReader(file, src)
	if text := unreadable(src); text != "" {
		r.probs = append(r.probs, problem.Problem{File: file, Message: text})
		return nil, r.done()
	}
	r.untilStopped(func() {
		root := r.parse()
		if root == nil || !r.treeOK(root) || !r.formatOK(root) {
			return
		}
		l := &loader{reader: r, root: root, grammar: format1()}
		f = l.load()
	})
	problems = r.done()
	if len(problems.Errors()) > 0 {
		return nil, problems
	}
	f.Source = src
	return f, problems
}

// unreadable says why the bytes cannot be a lab file at all, before any of them is parsed.
func unreadable(src []byte) string {
	if len(src) > maxFile {
		return fmt.Sprintf("the file is too long; a lab file has at most %d bytes (1 MiB)", maxFile)
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

// control reports whether no text of a lab file may have the character: terminals obey it, a shell ends at NUL, or YAML 1.1 breaks
// lines at it and editors do not, so that positions would lie.
func control(c rune) bool {
	return c < ' ' && c != '\t' && c != '\n' || c >= 0x7f && c < 0xa0 || c == 0x2028 || c == 0x2029
}

// formatOK checks the format number first: all else that could be said of a file of another format would be noise.
func (r *reader) formatOK(root *yaml.Node) bool {
	if root.Kind != yaml.MappingNode {
		r.errorf(root, "", `a lab file is a map that begins with "format: 1"`)
		return false
	}
	n := field(root, "format")
	if n == nil || n.Kind == yaml.ScalarNode && n.Value == "1" && n.Tag == "!!int" {
		return true
	}
	r.errorf(n, "format", "this labctl reads format 1; write \"format: 1\"")
	return false
}
