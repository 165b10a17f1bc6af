package labfile

import (
	"bytes"
	"fmt"

	"labctl/topology/problem"
)

// Limits of a file. They are far beyond any lab that a machine can run; each keeps what a megabyte of text can cost in time and memory
// within what a person waits for. maxFile, maxDepth, MaxCells, maxBuilt, problem.MaxProblems, rules.MaxGuarded, rules.MaxWays and maxCompared are others.
const (
	maxValues = 1 << 18 // keys and values
	maxNodes  = 10000   // nodes, nested ones too
	maxLinks  = 1 << 15 // cables
	maxGiven  = 1 << 18 // sysctls of all nodes, of all labs
)

// maxSource is how much of a line is shown, and maxMessage how much of what is said of it; in bytes.
const (
	maxSource  = 300
	maxMessage = 1000
)

// stopped is what stop panics with; only untilStopped may catch it.
type stopped struct{}

// stop ends the reading of the file, of which a mistake has been reported: what follows from it would take long or be noise.
func (r *reader) stop() { panic(stopped{}) }

// untilStopped reads until the end or until stop is called.
func (r *reader) untilStopped(read func()) {
	defer func() {
		if x := recover(); x != nil {
			if _, ok := x.(stopped); !ok {
				panic(x)
			}
			r.overlay = nil
		}
	}()
	read()
}

// fewValues refuses a file with more keys and values than there can be in a lab. It must not parse them: the parser takes hundreds of
// bytes for each. So it counts the marks that stand in front of one, those in texts too.
func (r *reader) fewValues() bool {
	count, waits := 0, false // waits: the value behind the last mark has not begun
	for i, c := range r.src {
		begins := false
		switch c {
		case ' ', '\t', '\n', '\r':
			continue
		case ',', '?':
			begins, waits = true, true
		case '-', ':':
			begins = i+1 == len(r.src) || bytes.IndexByte([]byte(" \t\n\r,]}[{\"'"), r.src[i+1]) >= 0
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
			line := 1 + bytes.Count(r.src[:i], []byte("\n"))
			text := fmt.Sprintf("the file has more than %d keys and values up to here, commas in texts counted; no lab needs as many", maxValues)
			r.Add(problem.Pos{Line: line, Col: i - r.lines[line-1] + 1}, 1, "", text, false)
			return false
		}
	}
	return true
}
