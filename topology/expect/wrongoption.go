package expect

// wrongOptions says what is wrong with the options of a question, or of all in a table, in a lab, and with which value
// of which option; all are "" where nothing is.
func (k *Kind) wrongOptions(g *vocabulary, q Question) (option, value, wrong string) {
	for i := range k.Options {
		o := &k.Options[i]
		if o.wrong == nil {
			continue
		}
		for _, v := range q.Options(o.Name) {
			if msg := o.wrong(g, v); msg != "" {
				return o.Name, v, msg
			}
		}
	}
	if k.together == nil {
		return "", "", ""
	}
	option, wrong = k.together(q.Options)
	return option, "", wrong
}

// WrongOption says what is wrong with the options in a [Title] in a lab, and with which value of which option, "" being
// all of them; all are "" where nothing is.
func WrongOption(rs *Resolver, title string) (option, value, wrong string) {
	kind, with := splitTitle(title)
	return KindOf(kind).wrongOptions(newVocabulary(rs.Lab), Question{Kind: kind, With: with})
}
