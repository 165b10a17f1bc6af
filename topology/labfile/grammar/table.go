package grammar

import "fmt"

// WantTable is what a table that is not one is told.
func WantTable(v Value) string {
	key := v.Name()
	begin := key + ":"
	if key == "" { // an item of a list
		key, begin = "-", "-"
	}
	if v.Style() == Folded {
		return fmt.Sprintf(`a table keeps its lines: write "%s |" instead of ">"`, begin)
	}
	return fmt.Sprintf(`want a table: write "%s |", and its lines below, indented deeper than %q`, begin, key)
}

func (s *Shape) checkTable(v Value) bool {
	if v.IsNumber() && s.Max > 0 {
		if n := v.Int(-1); n < s.Min || n > s.Max {
			v.Errorf("%s does not fit; want a number from %d to %d, or a table", v.Word(), s.Min, s.Max)
			return false
		}
		return true
	}
	if !v.IsText() {
		v.Errorf("%s", WantTable(v))
		return false
	}
	return true
}
