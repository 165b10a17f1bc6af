package rules

import "labctl/topology/problem"

// File is what the readers of rules need of the file that the rules are in.
type File interface {
	// Add reports a mistake, or a warning: width bytes at a place, and the path of what is there.
	Add(at problem.Pos, width int, path, text string, warning bool)
	// Near is [problem.Suggest] while the file has not had too many suggestions; have is not called after that.
	Near(word string, have func() []string) string
	// Line is a line of the file, from 1, without its newline; "" if there is no such line.
	Line(n int) string
}

// pathOf is the path of the body of a set; at is that of the node.
func pathOf(at string, set *Set) string {
	return problem.PathKey(problem.PathKey(problem.PathKey(at, "rules"), set.Name), set.Form)
}
