package labfile

import (
	"slices"
	"strings"
	"testing"

	"labctl/labs"
)

// common are what a shell has itself and what POSIX and coreutils have: no lab has to say that it needs them.
func common() []string {
	return strings.Fields("sh : . [ break cd command continue echo eval exec exit export false for printf read return set shift test trap true ulimit umask unset wait " +
		"if then else elif fi while until do done case esac ! { } ( ) time " +
		"awk basename cat cp cut date dd dirname env grep head kill ls mkdir mktemp mv nice nohup od rm sed seq sleep sort tail tee timeout touch tr uniq wc xargs yes")
}

// commandWords are the words of a text for sh that are run, as far as a simple reader sees them.
func commandWords(sh string) []string {
	var out []string
	var quote rune
	word, first := "", true
	end := func(next bool) {
		if word != "" {
			keyword := slices.Contains([]string{"if", "then", "else", "elif", "while", "until", "do", "!", "{", "(", "time", "exec", "nohup", "env", "command"}, word)
			if first && !strings.Contains(word, "=") {
				out = append(out, word)
			}
			first = first && (keyword || strings.Contains(word, "="))
		}
		word, first = "", first || next
	}
	for _, c := range sh {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
			word += "\""
		case strings.ContainsRune(";|&\n()`", c):
			end(true)
		case c == ' ' || c == '\t':
			end(false)
		default:
			word += string(c)
		}
	}
	end(true)
	return out
}

// undeclared are the programs that a lab runs and does not name under "needs".
func undeclared(lab *File) []string {
	var texts []string
	for _, n := range lab.Nodes {
		for _, c := range n.Run {
			texts = append(texts, c.Sh)
		}
	}
	for _, s := range lab.Steps {
		for _, a := range s.Do {
			if run, is := a.What.(*RunAction); is {
				texts = append(texts, run.Sh)
			}
		}
	}
	var out []string
	for _, text := range texts {
		for _, w := range commandWords(text) {
			if !slices.Contains(common(), w) && !slices.Contains(lab.Needs, w) && !slices.Contains(out, w) {
				out = append(out, w)
			}
		}
	}
	return out
}

func TestShippedLabsSayWhatTheyNeed(t *testing.T) {
	ran := 0
	for _, name := range labs.Names() {
		src, err := labs.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		lab, problems := Load(name, src)
		if lab == nil {
			t.Fatal(problems)
		}
		if list := undeclared(lab); len(list) > 0 {
			t.Errorf("%s runs %v: name it under \"needs\"", name, list)
		}
		ran += len(lab.Needs)
	}
	if ran == 0 {
		t.Error("no shipped lab needs anything")
	}
}

// TestUndeclared: the check above would find a lab that does not say it.
func TestUndeclared(t *testing.T) {
	for sh, want := range map[string]string{
		"nft list ruleset | grep -q x":                       "nft",
		"for i in $(seq 50); do tcpdump -c1 && exit 0; done": "tcpdump",
		"x=1 dnsmasq -k; sleep 1":                            "dnsmasq",
		"echo 'iperf3 -s'; true":                             "",
		"if ! nc -z b 80; then exit 1; fi":                   "nc",
	} {
		lab := load(t, "nodes: {a: {run: ["+`"`+sh+`"`+"]}, b: {}}\nlinks: [a -- b]\n")
		if got := strings.Join(undeclared(lab), " "); got != want {
			t.Errorf("%q: %q, want %q", sh, got, want)
		}
		if lab.Needs = strings.Fields(want); len(undeclared(lab)) > 0 {
			t.Errorf("%q: declared, and still %v", sh, undeclared(lab))
		}
	}
}
