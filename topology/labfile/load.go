package labfile

import (
	"labctl/topology"
	"labctl/topology/labfile/grammar"
	"labctl/topology/problem"
)

// Load reads and checks a lab file. file is only a name for messages. The result is nil exactly if problems has an
// entry that is not a warning; all mistakes of the file are reported at once, in file order, unless there are a
// thousand: then the rest of the file is not read. Of a file that is not the YAML of lab files only that is reported.
// Load keeps src: the caller must not change it.
func Load(file string, src []byte) (f *File, problems problem.List) {
	if text := grammar.Unreadable(src); text != "" {
		return nil, problem.List{{File: file, Message: text}}
	}
	doc := grammar.New(file, src)
	doc.Read(func() {
		root := doc.Parse()
		if !root.Given() || !doc.Plain(root) || !formatOK(root) {
			return
		}
		l := &loader{doc: doc, root: root}
		f = l.load(file)
	})
	problems = doc.Problems()
	if len(problems.Errors()) > 0 {
		return nil, problems
	}
	f.Source = src
	return f, problems
}

// formatOK checks the format number first: all else that could be said of a file of another format would be noise.
func formatOK(root grammar.Value) bool {
	if !root.IsMap() {
		if text := grammar.TightColon(root); text != "" {
			root.Errorf("%s", text)
			return false
		}
		root.Errorf(`a lab file is a map that begins with "format: 1"; "labctl init" writes a first one`)
		return false
	}
	if at, text := otherProgram(root); text != "" {
		at.Key().Errorf("%s", text)
		return false
	}
	v := root.Field("format")
	if !v.Given() || v.IsNumber() && v.Word() == "1" {
		return true
	}
	v.Errorf("this labctl reads format 1; write \"format: 1\"")
	return false
}

// loader reads a document as far as it goes: its nodes, what is expected of them, and its steps.
type loader struct {
	doc  *grammar.Document
	root grammar.Value

	site      *site
	base      *labBuild // the file's own nodes
	nodesOnly bool      // no expectations and no labs of steps are wanted
	after     []bodies  // each step; the first are the file's: none has changed
	begun     []bodies  // the same when reset and set of each step are done; the first are the file's
}

// load makes the file of the document.
func (l *loader) load(path string) *File {
	format1().Check(l.root)
	nodes := l.root.Field("nodes")
	if nodes.Given() && !nodes.IsMap() {
		nodes.Errorf("%s", nodesInstead(nodes))
	}
	if !nodes.IsMap() || format1().Meant(l.root)["nodes"] {
		return &File{Lab: &topology.Lab{}} // everything else would complain about every name
	}
	l.site = newSite(l.doc, l.root)
	l.base = l.site.build(nil)
	checker{l.base}.duplicates()
	lab := l.base.lab
	f := &File{Lab: lab, Path: path, About: l.root.Field("about").Text(""), givenAt: l.base.sysctls.givenAt}
	checker{l.base}.warnings()
	st := newStory(l.site, l.base, l.nodesOnly)
	l.after, l.begun = append(l.after, st.bodies.unlaid()), append(l.begun, st.bodies.unlaid())
	f.Expect = st.expectation(l.root.Field("expect"), nil)
	checker{l.base}.unreached(f.Expect)
	names := map[string]problem.Pos{}
	for _, v := range l.root.Field("steps").Items() {
		if !v.IsMap() {
			continue
		}
		s := stepReader{st}.read(v)
		if was, twice := names[s.Name]; twice && s.Name != "" {
			v.Field("name").Errorf("%q is the name of the step in line %d too", problem.Clip(s.Name), was.Line)
		}
		names[s.Name] = s.Pos
		l.after, l.begun = append(l.after, st.bodies.unlaid()), append(l.begun, s.begun)
		f.Steps = append(f.Steps, s)
	}
	lab.StepCommands = stepCommands(f.Steps)
	for _, s := range f.Steps {
		s.Lab.StepCommands, s.After.StepCommands = lab.StepCommands, lab.StepCommands
	}
	checker{l.base}.unasked(f)
	return f
}

// stepCommands are the commands that steps run, in their order.
func stepCommands(steps []*Step) []string {
	var out []string
	for _, s := range steps {
		for _, do := range s.Do {
			if run, is := do.What.(*RunAction); is {
				out = append(out, run.Sh)
			}
		}
	}
	return out
}
