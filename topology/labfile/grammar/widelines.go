package grammar

// wideStep is how many characters are between two that are remembered of a long line.
const wideStep = 256

// wideLines remember of long lines that are not ASCII where every wideStep-th character begins, so that finding many
// columns of one line does not count its characters again and again.
type wideLines map[int][]int

// skip is where a character of a line begins that is not behind the col-th, and which one that is, from 1.
func (w *wideLines) skip(line int, s string, col int) (at, char int) {
	if col <= wideStep || len(s) <= wideStep {
		return 0, 1
	}
	marks, known := (*w)[line]
	if !known {
		chars := 0
		for i := range s {
			if chars%wideStep == 0 {
				marks = append(marks, i)
			}
			chars++
		}
		if *w == nil {
			*w = wideLines{}
		}
		(*w)[line] = marks
	}
	k := min((col-1)/wideStep, len(marks)-1)
	return marks[k], k*wideStep + 1
}
