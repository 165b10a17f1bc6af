package rules

import (
	"slices"
	"strings"
)

// xtOption is an option of a rule and its value, however they are written: -j X, -jX, -vjX, --jump X, --jump=X, --ju X.
// Its letter is 0 if it is an extension's.
type xtOption struct {
	letter byte
	word   string // that it is in
	value  string
}

// The options of iptables itself by what follows them (its OPTSTRING_COMMON and IPT_OPTSTRING).
const (
	xtBare     = "456bfhnvVxX0FZLSwW" // nothing, or what is written in the same word
	xtOptional = "hXFZLSwW"           // of those: the rest of the word is a value
	xtValued   = "ACDEIMNPRcdgijmopst"
)

// xtLong are the long names of the options of iptables itself (xtables_globals, original_opts).
var xtLong = map[string]byte{
	"append": 'A', "delete": 'D', "check": 'C', "insert": 'I', "replace": 'R', "list": 'L', "list-rules": 'S',
	"flush": 'F', "zero": 'Z',
	"new-chain": 'N', "delete-chain": 'X', "rename-chain": 'E', "policy": 'P', "source": 's', "src": 's',
	"destination": 'd', "dst": 'd',
	"protocol": 'p', "in-interface": 'i', "jump": 'j', "table": 't', "match": 'm', "numeric": 'n', "out-interface": 'o',
	"verbose": 'v',
	"wait":    'w', "wait-interval": 'W', "exact": 'x', "fragments": 'f', "version": 'V', "help": 'h',
	"line-numbers": '0', "modprobe": 'M',
	"set-counters": 'c', "goto": 'g', "ipv4": '4', "ipv6": '6',
}

// xtShadowing are options of extensions that are how one of iptables itself begins: the whole name wins.
var xtShadowing = []string{"pol", "set"}

// xtText are options of extensions that take any text, also one that looks like an option.
var xtText = []string{"--comment", "--log-prefix", "--nflog-prefix", "--string", "--hex-string", "--prefix"}

// parsed are the options of a rule behind its chain, read as getopt_long(3) reads them: short ones may share a word, of
// which the last may take a value, and long ones may be cut short as long as they are told apart. What an extension's
// option takes is not known here, so that a word behind one counts as an option if it looks like one.
func (l *Line) parsed() []xtOption {
	var out []xtOption
	args := l.Args[min(2, len(l.Args)):]
	for i := 0; i < len(args); i++ {
		a := args[i]
		next := func() string {
			if i++; i < len(args) {
				return args[i]
			}
			return ""
		}
		switch long, isLong := strings.CutPrefix(a, "--"); {
		case isLong:
			name, value, joined := strings.Cut(long, "=")
			o := xtOption{xtLongLetter(name), a, value}
			if !joined && (strings.IndexByte(xtValued, o.letter) >= 0 || slices.Contains(xtText, a)) {
				o.value = next()
			}
			out = append(out, o)
		case len(a) > 1 && a[0] == '-':
			out = append(out, xtBundle(a, next)...)
		}
	}
	return out
}

// xtBundle are the short options of one word; next is the word behind it.
func xtBundle(word string, next func() string) []xtOption {
	var out []xtOption
	for k := 1; k < len(word); k++ {
		o, rest := xtOption{word[k], word, ""}, word[k+1:]
		switch {
		case strings.IndexByte(xtValued, o.letter) >= 0:
			if o.value = rest; rest == "" {
				o.value = next()
			}
			return append(out, o)
		case strings.IndexByte(xtOptional, o.letter) >= 0:
			o.value = rest
			return append(out, o)
		case strings.IndexByte(xtBare, o.letter) < 0:
			return append(out, xtOption{0, word, rest})
		}
		out = append(out, o)
	}
	return out
}

// xtLongLetter is the letter of a long option of iptables itself, in full or cut short; 0: it is another one's, or
// could be several.
func xtLongLetter(name string) byte {
	if letter, ok := xtLong[name]; ok {
		return letter
	}
	if slices.Contains(xtShadowing, name) {
		return 0
	}
	var found byte
	for long, letter := range xtLong {
		if name == "" || !strings.HasPrefix(long, name) || letter == found {
			continue
		}
		if found != 0 {
			return 0
		}
		found = letter
	}
	return found
}

// options are those of a letter.
func (l *Line) options(letter byte) []xtOption {
	return slices.DeleteFunc(l.parsed(), func(o xtOption) bool { return o.letter != letter })
}

// refusedOption says why a rule cannot have an option behind its chain, or "".
func refusedOption(o xtOption) string {
	short := "-" + string(o.letter)
	switch {
	case o.letter == 'M':
		return "names a program to be run, which only \"run\" can; leave it out"
	case o.letter == 'V' || o.letter == 'h':
		return short + " makes iptables say something about itself and do nothing; leave it out"
	case o.letter != 0 && refused[short] != "":
		return short + " is a command in a command: " + refused[short]
	case o.letter != 0 && verbs[short] != "":
		return short + " is a command in a command; write it on a line of its own"
	}
	return ""
}
