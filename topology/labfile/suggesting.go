package labfile

import "labctl/topology/problem"

// maxCompared bounds the suggestions of one file: the letters of its mistakes times those of what they are compared with. The first
// fifty mistakes, which are all that is shown, come to less in any file of names of ten letters.
const maxCompared = 1 << 26

// Near is [Suggest] while the file has not had too many suggestions; have is not called after that.
func (r *reader) Near(word string, have func() []string) string {
	if r.compared > maxCompared {
		return ""
	}
	list := have()
	for _, c := range list {
		r.compared += len(word)*min(len(c), problem.MaxGuessed) + 1
	}
	return problem.Suggest(word, list)
}

// nearOrList is [suggestOrList] likewise.
func (r *reader) nearOrList(word string, have func() []string) string {
	if r.compared > maxCompared {
		return ""
	}
	list := have()
	if near := r.Near(word, func() []string { return list }); near != "" {
		return near
	}
	return problem.Listed(list)
}
