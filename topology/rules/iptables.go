package rules

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"labctl/topology/problem"
)

// ruleTables are the tables of iptables and their own chains (iptables(8)).
func ruleTables() []ruleTable {
	return []ruleTable{{"raw", []string{"PREROUTING", "OUTPUT"}},
		{"mangle", []string{"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"}},
		{"nat", []string{"PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"}},
		{"filter", []string{"INPUT", "FORWARD", "OUTPUT"}},
		{"security", []string{"INPUT", "FORWARD", "OUTPUT"}}}
}

type ruleTable struct {
	name   string
	chains []string
}

func tableNames() []string {
	var out []string
	for _, t := range ruleTables() {
		out = append(out, t.name)
	}
	return out
}

func ownChains(table string) []string {
	for _, t := range ruleTables() {
		if t.name == table {
			return t.chains
		}
	}
	return nil
}

// ruleWord is a word of a command, without its quotes, and where it begins in its line.
type ruleWord struct {
	text string
	at   int
	bare bool // nothing of it was quoted
}

// lineParser reads the commands of one rule set.
type lineParser struct {
	File
	set    *Set
	path   string
	line   TextLine
	number int // of the line in its text, from 1
	end    int // where the words end and the comment begins

	mistakes int // reported so far
}

func (p *lineParser) wrong(at, width int, format string, args ...any) {
	p.mistakes++
	p.Add(p.line.at(at), width, p.path, fmt.Sprintf(format, args...), false)
}

func (p *lineParser) wrongWord(w ruleWord, format string, args ...any) {
	p.wrong(w.at, len(w.text), format, args...)
}

// command reads one line.
func (p *lineParser) command() {
	words, comment, ok := p.split(p.line.Text)
	if !ok || len(words) == 0 {
		return
	}
	if words, ok = p.program(words); !ok {
		return
	}
	l := Line{Table: "filter", Pos: p.line.at(words[0].at)}
	if words[0].text == "-t" || words[0].text == "--table" {
		if len(words) < 3 {
			p.wrongWord(words[0], "lacks a table and a command behind it")
			return
		}
		if l.Table = words[1].text; ownChains(l.Table) == nil {
			p.wrongWord(words[1], "no table is called %q; want %s%s", problem.Clip(l.Table),
				problem.OrList(tableNames()),
				problem.Suggest(l.Table, tableNames()))
			return
		}
		words = words[2:]
	}
	if !p.verb(words) {
		return
	}
	for _, w := range words {
		l.Args = append(l.Args, w.text)
	}
	l.Args[0] = verbs[l.Args[0]]
	if l.Args[0] == "-A" || l.Args[0] == "-I" {
		if !p.rule(&l, words, comment) {
			return
		}
	}
	p.set.Lines = append(p.set.Lines, l)
}

// program takes the name of the program off the words.
func (p *lineParser) program(words []ruleWord) ([]ruleWord, bool) {
	w := words[0]
	name := w.text
	if v, ok := strings.CutPrefix(name, "$"); ok {
		name = strings.ToLower(strings.Trim(v, "{}"))
	}
	name = path.Base(name)
	if name != "iptables" && name != "ip6tables" {
		return words, true
	}
	if name != p.set.Form {
		p.wrongWord(w, "a command of %s in a set of %s; write it in a set of its own", name, p.set.Form)
		return nil, false
	}
	if len(words) == 1 {
		p.wrongWord(w, "has no command behind it")
		return nil, false
	}
	return words[1:], true
}

// verbs are the commands that make sense in a set: the rest of the table is always empty before.
var verbs = map[string]string{"-A": "-A", "--append": "-A", "-I": "-I", "--insert": "-I", "-N": "-N",
	"--new-chain": "-N", "-P": "-P", "--policy": "-P"}

// refused says of other commands what to do instead.
var refused = map[string]string{
	"-F": "labctl empties the tables itself whenever it loads rules; leave the line out",
	"-X": "labctl removes chains itself whenever it loads rules; leave the line out",
	"-Z": "hits are counted from when the rules are loaded; leave the line out",
	"-D": "every load begins with empty chains; leave out the rule itself",
	"-R": "every load begins with empty chains; change the rule itself",
	"-E": "give the chain its name where -N makes it",
	"-L": `shows rules; "labctl rules" does`, "-S": `shows rules; "labctl rules" does`,
	"-C": "only asks; leave the line out",
}

var longVerbs = map[string]string{"--flush": "-F", "--delete-chain": "-X", "--zero": "-Z", "--delete": "-D",
	"--replace":      "-R",
	"--rename-chain": "-E", "--list": "-L", "--list-rules": "-S", "--check": "-C"}

// verb checks the command and its chain.
func (p *lineParser) verb(words []ruleWord) bool {
	w := words[0]
	short := w.text
	if v := longVerbs[short]; v != "" {
		short = v
	}
	verb := verbs[short]
	switch {
	case refused[short] != "":
		p.wrongWord(w, "%s: %s", w.text, refused[short])
		return false
	case strings.HasPrefix(w.text, "*") || strings.HasPrefix(w.text, ":") || w.text == "COMMIT":
		p.wrongWord(w,
			"is a line of iptables-save; write commands: \"-t TABLE\" before each, -N for a chain, -P for a "+
				"policy")
		return false
	case w.text == "-t" || w.text == "--table":
		p.wrongWord(w, "appears twice")
		return false
	case verb == "":
		p.wrongWord(w, "%q is not a command; want -A, -I, -N or -P, behind -t TABLE if there is one",
			problem.Clip(w.text))
		return false
	case len(words) < 2:
		p.wrongWord(w, "lacks a chain")
		return false
	case len(words[1].text) > maxChain:
		p.wrongWord(words[1], "%q (%d bytes) is longer than a chain may be called (%d)", problem.Clip(words[1].text),
			len(words[1].text), maxChain)
		return false
	}
	return p.rest(verb, words)
}

// maxChain is XT_EXTENSION_MAXNAMELEN of linux/netfilter/x_tables.h, without the zero at its end.
const maxChain = 28

func (p *lineParser) rest(verb string, words []ruleWord) bool {
	switch {
	case verb == "-N" && len(words) > 2:
		p.wrongWord(words[2], "-N takes nothing but a chain")
	case verb == "-P" && len(words) != 3:
		p.wrongWord(words[0], "-P takes a chain and ACCEPT or DROP")
	case verb == "-P" && words[2].text != "ACCEPT" && words[2].text != "DROP":
		p.wrongWord(words[2], "%q is not a policy; want ACCEPT or DROP", problem.Clip(words[2].text))
	default:
		return true
	}
	return false
}

// rule checks what a rule does, and names it.
func (p *lineParser) rule(l *Line, words []ruleWord, comment string) bool {
	for i, w := range words {
		target := ""
		at := w
		switch {
		case (w.text == "-j" || w.text == "--jump") && i+1 < len(words):
			at = words[i+1]
			target = at.text
		case strings.HasPrefix(w.text, "--jump="):
			target = strings.TrimPrefix(w.text, "--jump=")
		case strings.HasPrefix(w.text, "-j") && len(w.text) > 2 && w.bare:
			target = w.text[2:]
		}
		switch target {
		case "LOG":
			p.wrongWord(at,
				`LOG prints nothing from a namespace; write "-j NFLOG" (and "--nflog-prefix" for "--log-prefix"), which "labctl rules --log" shows`)
			return false
		case "NFLOG":
			if k := slices.IndexFunc(words, func(w ruleWord) bool {
				return w.bare &&
					strings.HasPrefix(w.text, "--log-")
			}); k >= 0 {
				p.wrongWord(words[k], "%s is an option of LOG; NFLOG has --nflog-prefix, and nothing for the rest",
					words[k].text)
				return false
			}
			defer func() { l.prefix(p.set.Name) }()
		}
	}
	l.Name = strconv.Itoa(p.number)
	if isName(comment) {
		l.Name = comment
	}
	if !p.set.named(l.Name) {
		p.wrong(max(0, p.end), len(l.Name), "a rule of %s is called %q already; give this one another name", p.set.Name,
			l.Name)
		return false
	}
	return true
}

// prefix lets what NFLOG tells say which rule it was; one that is given stays. It has room for 63 bytes
// (NF_LOG_PREFIXLEN of linux/netfilter/nf_log.h), which two names and a slash are at most.
func (l *Line) prefix(set string) {
	if slices.ContainsFunc(l.Args, func(a string) bool { return strings.HasPrefix(a, "--nflog-prefix") }) {
		return
	}
	l.Args = append(l.Args, "--nflog-prefix", set+"/"+l.Name)
}

// split cuts a line into words as a shell would, without doing anything that a shell does besides.
func (p *lineParser) split(s string) (words []ruleWord, comment string, ok bool) {
	p.end = 0
	for i := 0; i < len(s); {
		if strings.IndexByte(" \t\r", s[i]) >= 0 {
			i++
			continue
		}
		if s[i] == '#' {
			comment = strings.TrimSpace(s[i+1:])
			p.end = i + strings.Index(s[i:], comment)
			break
		}
		w, next, ok := p.word(s, i, len(words) == 0)
		if !ok {
			return nil, "", false
		}
		words = append(words, w)
		i = next
	}
	return words, comment, true
}

// word reads one word that begins at from.
func (p *lineParser) word(s string, from int, first bool) (w ruleWord, next int, ok bool) {
	w = ruleWord{at: from, bare: true}
	var quote byte
	var b strings.Builder
	i := from
	for ; i < len(s) && (quote != 0 || strings.IndexByte(" \t\r", s[i]) < 0); i++ {
		c := s[i]
		switch {
		case quote == 0 && (c == '"' || c == '\''):
			quote, w.bare = c, false
		case c == quote:
			quote = 0
		case c == '\\' && quote != '\'':
			if i++; i >= len(s) {
				p.wrong(i-1, 1, `a command is one line; join this one with the next`)
				return w, i, false
			}
			b.WriteByte(s[i])
		case quote != '\'' && (c == '$' && (i != from || !first) || c == '`'):
			p.wrong(i, 1, "nothing is put in for variables and commands; write what is meant")
			return w, i, false
		case quote == 0 && strings.IndexByte(";|&<>()", c) >= 0:
			p.wrong(i, 1, "%q means something to a shell only; write one command a line, and nothing else", string(c))
			return w, i, false
		default:
			b.WriteByte(c)
		}
	}
	if quote != 0 {
		p.wrong(from, i-from, "a quotation mark is missing")
		return w, i, false
	}
	w.text = b.String()
	return w, i, true
}

// ReadLines reads the commands of a set of iptables or ip6tables, line by line as they are in the file; path is that of
// the text. It reports what is wrong to file, and returns whether all was well.
func (set *Set) ReadLines(file File, path string, lines []TextLine) bool {
	p := &lineParser{File: file, set: set, path: path}
	for i, l := range lines {
		p.line, p.number = l, i+1
		p.command()
	}
	return p.mistakes == 0
}
