package terminal

import "io"

// Screen is what people see text on.
type Screen struct {
	Columns int  // how wide a terminal is; 0: it is none, and nothing is broken into narrower parts
	Colour  bool // see [Coloured]
}

// On is the screen behind a writer; one that is not a [Writer] has none.
func On(w io.Writer) Screen {
	if v, ok := w.(Writer); ok {
		return v.Screen
	}
	return Screen{}
}

// Modes are the values of --color.
var Modes = []string{"auto", "always", "never"}

// Coloured decides whether text has colours: as mode says, one of [Modes]; "auto" means on a terminal that has colours
// (TERM is not "dumb"), unless NO_COLOR is set and not empty (no-color.org).
func Coloured(mode string, isTerminal bool, getenv func(string) string) bool {
	switch mode {
	case "always":
		return true
	case "auto":
		return isTerminal && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
	}
	return false
}

// The width of help: what man pages are read at where there is no terminal, at most what an eye follows from one line
// to the next, and at least what a flag and a word beside it need.
const (
	usualHelp  = 80
	widestHelp = 100
	leastHelp  = 40
)

// HelpWidth is how many columns help takes on a terminal of so many columns, 0 being none.
func HelpWidth(columns int) int {
	if columns <= 0 {
		return usualHelp
	}
	return max(leastHelp, min(columns, widestHelp))
}
