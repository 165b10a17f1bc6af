package labfile

// wideStep is how many characters are between two that are remembered of a long line.
const wideStep = 256

// skipped is where a character of a line begins that is not behind the col-th, and which one that is, from 1.
func (r *reader) skipped(line int, s string, col int) (at, char int) {
	if col <= wideStep || len(s) <= wideStep {
		return 0, 1
	}
	marks, known := r.wide[line]
	if !known {
		chars := 0
		for i := range s {
			if chars%wideStep == 0 {
				marks = append(marks, i)
			}
			chars++
		}
		if r.wide == nil {
			r.wide = map[int][]int{}
		}
		r.wide[line] = marks
	}
	k := min((col-1)/wideStep, len(marks)-1)
	return marks[k], k*wideStep + 1
}
