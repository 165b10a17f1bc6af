package terminal

import (
	"io"
	"os"

	"labctl/topology/problem"
)

// Writer writes text for people to W, without anything that a terminal would act upon (see [problem.Visible]). One call
// of Write must not end inside a character. Screen is what W is, for those who lay text out; the zero value is no
// terminal.
type Writer struct {
	W      io.Writer
	Screen Screen
}

// Write writes p with what a terminal would act upon made visible.
func (v Writer) Write(p []byte) (int, error) {
	if _, err := io.WriteString(v.W, problem.Visible(string(p), true)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Stderr is where messages for people go.
func Stderr() io.Writer { return Writer{W: os.Stderr} }
