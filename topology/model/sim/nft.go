package sim

import (
	"slices"
	"strconv"
	"strings"

	"labctl/switchcore"
)

// nftWord is a word of a text for nft(8): a name, a value, or one of { } ; and the end of a line, which is ";" too.
type nftWord struct {
	text   string
	quoted bool
	list   []nftWord // of a set that is written out: what is in its braces
}

// nftWords cuts a text into words. A brace that begins a set is a word with what is in it.
func nftWords(text string) []nftWord {
	var out []nftWord
	for line := range strings.Lines(text) {
		for i := 0; i < len(line) && line[i] != '#'; {
			switch c := line[i]; {
			case strings.IndexByte(" \t\r\n,", c) >= 0:
				i++
			case strings.IndexByte("{};", c) >= 0:
				out = append(out, nftWord{text: string(c)})
				i++
			case c == '"':
				end := strings.IndexByte(line[i+1:], '"')
				if end < 0 {
					end = len(line) - i - 1
				}
				out = append(out, nftWord{text: line[i+1 : i+1+end], quoted: true})
				i += end + 2
			default:
				j := i
				for j < len(line) && strings.IndexByte(" \t\r\n,{};\"#", line[j]) < 0 {
					j++
				}
				out = append(out, nftWord{text: line[i:j]})
				i = j
			}
		}
		out = append(out, nftWord{text: ";"})
	}
	return out
}

// nftReader reads the text of one rule set.
type nftReader struct {
	f      *filter
	set    string
	words  []nftWord
	chains map[string]*chain // by family, table and name
	jumps  []nftJump
	unread bool
}

// nftJump is a jump to a chain that may come later.
type nftJump struct {
	r    *rule
	from string // family and table
	to   string
}

// readNFT adds what a text for nft says to a filter. What it has beside tables with chains is a rule that cannot be
// read, everywhere.
func readNFT(f *filter, set, text string) {
	r := &nftReader{f: f, set: set, words: nftWords(text), chains: map[string]*chain{}}
	for len(r.words) > 0 && !r.unread {
		switch w := r.next(); {
		case w.text == ";":
		case w.text == "table":
			r.table()
		default:
			r.unread = true
		}
	}
	for _, j := range r.jumps {
		if j.r.to = r.chains[j.from+" "+j.to]; j.r.to == nil {
			r.unread = true
		}
	}
	if r.unread {
		f.everywhere(set)
	}
}

func (r *nftReader) next() nftWord {
	if len(r.words) == 0 {
		r.unread = true
		return nftWord{}
	}
	w := r.words[0]
	r.words = r.words[1:]
	return w
}

// table reads a table: table FAMILY NAME { chain NAME { … } }.
func (r *nftReader) table() {
	family := "ip"
	name := r.next()
	if slices.Contains([]string{"ip", "ip6", "inet", "arp", "bridge", "netdev"}, name.text) {
		family, name = name.text, r.next()
	}
	if r.next().text != "{" {
		r.unread = true
		return
	}
	for !r.unread {
		switch w := r.next(); w.text {
		case ";":
		case "}":
			return
		case "chain":
			r.chain(family, family+" "+name.text, r.next().text)
		default:
			r.unread = true
		}
	}
}

// chain reads a chain and puts it at its hook.
func (r *nftReader) chain(family, in, name string) {
	c := &chain{name: name}
	r.chains[in+" "+name] = c
	hook := ""
	if r.next().text != "{" {
		r.unread = true
		return
	}
	for !r.unread {
		stmt, ends := r.statement()
		switch {
		case len(stmt) == 0:
		case stmt[0].text == "type":
			hook = r.hooked(c, stmt)
		case stmt[0].text == "policy":
			c.drops = len(stmt) > 1 && stmt[1].text == "drop"
		default:
			c.rules = append(c.rules, r.rule(in, stmt))
		}
		if ends {
			break
		}
	}
	if hook == "" || family == "ip6" {
		return
	}
	hooks := []string{"prerouting", "input", "forward", "output", "postrouting"}
	switch family {
	case "arp":
		hooks = []string{"input", "output"}
	case "netdev":
		hooks = []string{"ingress", "egress"}
	}
	if !slices.Contains(hooks, hook) {
		r.unread = true
		return
	}
	early := c.priority <= trackPriority && (hook == "prerouting" || hook == "output")
	for _, rule := range c.rules {
		inIP := family == "ip" || family == "inet"
		if !inIP && (rule.verdict == rejects || rule.states) || early && rule.states || family != "netdev" &&
			rule.verdict == rewrites {
			rule.unread = r.set + ": a rule that the model does not know in such a chain"
		}
	}
	at := hookAt{family, hook}
	r.f.chains[at] = append(r.f.chains[at], c)
}

// statement takes the words up to the next ";" or the brace that ends the block.
func (r *nftReader) statement() (out []nftWord, ends bool) {
	for !r.unread {
		switch w := r.next(); {
		case w.text == ";" && !w.quoted:
			return out, false
		case w.text == "}" && !w.quoted:
			return out, true
		case w.text == "{" && !w.quoted:
			set := nftWord{text: "{}"}
			for {
				x := r.next()
				if x.text == "}" || r.unread {
					break
				}
				if x.text != ";" {
					set.list = append(set.list, x)
				}
			}
			out = append(out, set)
		default:
			out = append(out, w)
		}
	}
	return out, true
}

// trackPriority is that of connection tracking: what comes before knows no states.
const trackPriority = -200

// hooked reads where a chain is: type TYPE hook HOOK [device NAME] priority NUMBER.
func (r *nftReader) hooked(c *chain, stmt []nftWord) (hook string) {
	for i := 0; i+1 < len(stmt); i += 2 {
		value := stmt[i+1].text
		switch stmt[i].text {
		case "type":
			if value == "nat" || value == "route" {
				c.rules = append(c.rules, &rule{unread: r.set + ": a chain of type " + value})
			}
		case "hook":
			hook = value
		case "device":
			c.device = value
		case "priority":
			names := map[string]int{"raw": -300, "mangle": -150, "dstnat": -100, "filter": 0, "security": 50,
				"srcnat": 100, "out": 100}
			n, err := strconv.Atoi(value)
			if p, ok := names[value]; ok {
				n, err = p, nil
			}
			if c.priority = n; err != nil || i+2 < len(stmt) && (stmt[i+2].text == "+" || stmt[i+2].text == "-") {
				r.unread = true
			}
		default:
			r.unread = true
		}
	}
	return hook
}

// rule reads one rule.
func (r *nftReader) rule(in string, stmt []nftWord) *rule {
	out := &rule{}
	x := &nftRule{r: out, words: stmt, tracks: &r.f.tracks}
	for len(x.words) > 0 && out.unread == "" {
		x.part()
	}
	if x.comment != "" {
		out.name = r.set + "/" + x.comment
	}
	if x.jump != "" {
		out.verdict = jumps
		r.jumps = append(r.jumps, nftJump{out, in, x.jump})
	}
	if out.unread != "" {
		var words []string
		for _, w := range stmt {
			words = append(words, w.text)
		}
		out.unread = r.set + ": " + strings.Join(words, " ")
	}
	return out
}

// parseMAC reads a MAC address, ok being false for what is none.
func parseMAC(s string) (switchcore.MAC, bool) {
	m, err := switchcore.ParseMAC(s)
	return m, err == nil
}
