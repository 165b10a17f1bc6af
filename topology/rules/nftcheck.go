package rules

import (
	"regexp"
	"slices"
	"strings"

	"labctl/topology/problem"
)

// The words by which nft knows what begins here (nft(8), parser_bison.y of nftables 1.0 and 1.1). A word that is none
// of them is an error whatever follows it; what follows a word that is one of them only nft itself can judge.

func nftTableWords() []string {
	return strings.Fields("chain set map flowtable counter quota limit secmark synproxy tunnel ct flags comment " +
		"define " +
		"redefine undefine typeof")
}

func nftRuleWords() []string {
	return strings.Fields("accept drop queue continue return jump goto log reject counter limit quota masquerade " +
		"snat " +
		"dnat redirect tproxy synproxy notrack " +
		"flow set add update delete destroy map vmap meter xt last dup fwd handle position index comment objref " +
		"tunnel " +
		"ip ip6 ether vlan arp tcp udp udplite sctp dccp icmp icmpv6 igmp ah esp comp th auth gre gretap geneve " +
		"vxlan " +
		"inner meta ct fib rt ipsec socket osf " +
		"numgen jhash symhash exthdr hbh frag mh dst srh exists missing not and or xor " +
		"mark iif iifname iiftype iifgroup iifkind oif oifname oiftype oifgroup oifkind sdif sdifname skuid skgid " +
		"nftrace " +
		"rtclassid ibriport ibrname ibrpvid ibrvproto ibrhwaddr obriport obrname " +
		"pkttype cpu cgroup random secmark secpath time day hour protocol l4proto nfproto length priority")
}

func nftHooks(family string) []string {
	switch family {
	case "netdev":
		return []string{"ingress", "egress"}
	case "arp":
		return []string{"input", "output"}
	}
	return []string{"prerouting", "input", "forward", "output", "postrouting", "ingress", "egress"}
}

// nftWord is what a keyword looks like.
var nftWord = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// check finds what nft would refuse and can be seen without it, when the whole text has been read.
func (r *nftReader) check() {
	for _, c := range r.set.chains {
		if !c.made {
			r.unmade(c)
			continue
		}
		for _, s := range c.rules {
			r.words(s)
			r.targets(c, s)
		}
	}
	for i, t := range r.toks {
		r.reference(t)
		if t.is("include") && i+1 < len(r.toks) && r.toks[i+1].quoted && r.begins(i) {
			r.wrong(t, "nothing depends on where a lab file is read; write the text itself")
		}
	}
}

// begins reports whether a token is the first of its statement: only there include is a command.
func (r *nftReader) begins(i int) bool {
	return i == 0 || r.toks[i-1].is("\n", ";", "{", "}")
}

// unmade reports a chain that rules are added to and that nothing makes, or whose table nothing makes.
func (r *nftReader) unmade(c *nftChain) {
	if !r.tables[c.table] {
		known := func() (out []string) {
			for _, t := range r.set.Tables {
				out = append(out, t.String())
			}
			return out
		}
		r.wrong(c.at, "the text makes no table %s%s", c.table, r.Near(c.table.String(), known))
		return
	}
	r.wrong(c.at, "table %s has no chain %q%s", c.table, problem.Clip(c.name), r.Near(c.name, r.chainNames(c.table)))
}

func (r *nftReader) chainNames(t NFTable) func() []string {
	return func() (out []string) {
		for _, c := range r.set.chains {
			if c.table == t && c.made {
				out = append(out, c.name)
			}
		}
		return out
	}
}

// words checks the words of a rule of which the place says that they begin something: the first, and the last behind
// what is complete.
func (r *nftReader) words(s []nftToken) {
	known := nftRuleWords()
	check := func(t nftToken) {
		if !t.quoted && nftWord.MatchString(t.text) && !slices.Contains(known, t.text) {
			r.wrong(t, "%q begins nothing that nft knows in a rule%s", problem.Clip(t.text),
				problem.Suggest(t.text, known))
		}
	}
	if len(s) == 0 {
		return
	}
	check(s[0])
	if k := len(s) - 1; k > 0 {
		was := s[k-1]
		if was.quoted || was.is("{") || !nftWord.MatchString(was.text) && strings.ContainsAny(was.text, ".:") &&
			strings.ContainsAny(was.text[:1], "0123456789") || was.is("counter") {
			check(s[k])
		}
	}
}

// targets checks that chains which a rule goes to are there.
func (r *nftReader) targets(c *nftChain, s []nftToken) {
	list := flat(s)
	for i, t := range list[:max(0, len(list)-1)] {
		to := list[i+1]
		if !t.is("jump", "goto") || strings.HasPrefix(to.text, "$") || i > 0 && list[i-1].is("comment", "prefix") {
			continue
		}
		if to.is("\n", "{", ";") {
			r.wrong(t, "lacks the name of a chain")
		} else if x := r.known[nftPosition{c.table, to.text}]; x == nil || !x.made {
			r.wrong(to, "table %s has no chain %q%s", c.table, problem.Clip(to.text),
				r.Near(to.text, r.chainNames(c.table)))
		}
	}
}

// nftReference finds a variable; nftRaw are the names behind "@" that are places in a packet.
var nftReference = regexp.MustCompile(`\$\{?([A-Za-z][A-Za-z0-9/\\_.-]*)`)

func nftRaw() []string { return []string{"ll", "nh", "th", "ih"} }

// reference checks that a set or a variable that a word names is there.
func (r *nftReader) reference(t nftToken) {
	if t.quoted {
		return
	}
	if name, ok := strings.CutPrefix(t.text, "@"); ok && name != "" && !slices.Contains(nftRaw(), name) &&
		!r.isNamed[name] {
		r.wrong(t, "the text makes no set, map or flowtable %q%s", problem.Clip(name),
			r.Near(name, func() []string { return r.named }))
	}
	for _, m := range nftReference.FindAllStringSubmatch(t.text, -1) {
		if !r.defines(m[1]) {
			r.wrong(t, "nothing defines $%s%s", problem.Clip(m[1]), r.Near(m[1], func() []string { return r.defined }))
		}
	}
}

// defines reports whether a word begins with a variable that the text defines.
func (r *nftReader) defines(word string) bool {
	return slices.ContainsFunc(r.lengths, func(n int) bool { return n <= len(word) && r.isDefined[word[:n]] })
}

// names notes what a statement that is in no rule gives a name to.
func (r *nftReader) names(s []nftToken) {
	if s[0].is("add", "create") {
		s = s[1:]
	}
	if len(s) < 2 {
		return
	}
	switch {
	case s[0].is("define", "redefine"):
		name, _, _ := strings.Cut(s[1].text, "=")
		if r.isDefined[name] = true; !slices.Contains(r.lengths, len(name)) {
			r.lengths = append(r.lengths, len(name))
		}
		r.defined = append(r.defined, name)
	case s[0].is("set", "map", "flowtable", "meter"):
		// of [FAMILY] TABLE NAME, or of NAME: a word too many hides a mistake, and no more
		for _, t := range s[1:min(len(s), 4)] {
			r.isNamed[t.text] = true
			r.named = append(r.named, t.text)
		}
	}
}

// base checks what a chain says of itself.
func (r *nftReader) base(c *nftChain, s []nftToken) {
	if !s[0].is("type") {
		return
	}
	if len(s) > 1 && !s[1].is("filter", "nat", "route") && !strings.HasPrefix(s[1].text, "$") {
		r.wrong(s[1], "%q is not a type of a chain; want filter, nat or route%s", problem.Clip(s[1].text),
			problem.Suggest(s[1].text, []string{"filter", "nat", "route"}))
	}
	at := slices.IndexFunc(s, func(t nftToken) bool { return t.is("hook") })
	if at < 0 || at+1 == len(s) {
		r.wrong(s[0], "a chain with a type lacks its hook; want \"type %s hook %s priority 0\"", "filter",
			nftHooks(c.table.Family)[0])
		return
	}
	if hooks := nftHooks(c.table.Family); !slices.Contains(hooks, s[at+1].text) {
		r.wrong(s[at+1], "family %s has no hook %q; want %s%s", c.table.Family, problem.Clip(s[at+1].text),
			problem.OrList(hooks), problem.Suggest(s[at+1].text, hooks))
	}
	if !slices.ContainsFunc(s, func(t nftToken) bool { return t.is("priority") }) {
		r.wrong(s[at], "a chain with a hook lacks its priority; write \"priority 0\" behind it")
	}
}
