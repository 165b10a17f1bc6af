package rules

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"labctl/topology/problem"
)

// xtTargets are the targets of iptables-extensions(8) and of xtables-addons(8), with the table that the kernel ties one
// to ("table" of its struct xt_target), if it does.
func xtTargets() map[string]string {
	out := map[string]string{}
	for table, names := range map[string]string{
		"": "ACCEPT DROP RETURN QUEUE AUDIT CLASSIFY CLUSTERIP CONNMARK CONNSECMARK HMARK IDLETIMER LED LOG " +
			"MARK NFLOG NFQUEUE RATEEST SECMARK SET SYNPROXY TCPMSS TEE TRACE ULOG ACCOUNT CHAOS DELUDE DHCPMAC " +
			"DNETMAP DNPT ECHO IPMARK LOGMARK PROTO SNPT STEAL SYSRQ TARPIT",
		"nat":    "DNAT SNAT MASQUERADE REDIRECT NETMAP",
		"filter": "REJECT",
		"raw":    "CT NOTRACK RAWDNAT RAWSNAT",
		"mangle": "CHECKSUM DSCP ECN HL TCPOPTSTRIP TOS TPROXY TTL",
	} {
		for name := range strings.FieldsSeq(names) {
			out[name] = table
		}
	}
	return out
}

// xtMatches are the matches of the same manual pages.
func xtMatches() []string {
	return strings.Fields("addrtype ah bpf cgroup cluster comment connbytes connlabel connlimit connmark conntrack " +
		"cpu dccp devgroup dscp dst ecn esp eui64 frag " +
		"hashlimit hbh helper hl icmp icmp6 icmpv6 ipv6-icmp ipcomp iprange ipv6header ipvs length limit mac mark mh " +
		"multiport nfacct osf owner physdev pkttype " +
		"policy quota rateest realm recent rpfilter rt sctp set socket srh state statistic string tcp tcpmss time " +
		"tos ttl u32 udp udplite " +
		"asn condition dhcpmac fuzzy geoip gradm iface ipp2p ipv4options length2 lscan pknock psd quota2")
}

// xtChains are the chains that -N makes in a table.
type xtChains struct {
	names []string
	is    map[string]bool
}

// XtablesNeed begins an entry of "needs" that is an extension of iptables, a target or a match, and not a program.
const XtablesNeed = "xtables:"

// xtUnknown ends what is said of a name that nobody knows: what it is near to, or else how to name an extension that is
// known here alone.
func xtUnknown(name, near string) string {
	if near != "" || !xtName.MatchString(name) {
		return near
	}
	return "; an extension of iptables from elsewhere is named at the top: \"needs: [" + XtablesNeed + name + "]\""
}

// xtName is what "needs" takes behind XtablesNeed. The kernel keeps 28 bytes of it (XT_EXTENSION_MAXNAMELEN,
// x_tables.h).
var xtName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,27}$`)

// CheckNames refuses targets, chains and matches that neither iptables nor the node's rules have, nor needs names. The
// sets are all of a node, path is the node's, and needs is what the lab says that it needs; see [XtablesNeed].
func CheckNames(sets []*Set, needs []string, file File, path string) {
	known := func(name string) bool { return slices.Contains(needs, XtablesNeed+name) }
	made := map[[2]string]*xtChains{} // by family and table
	for _, set := range sets {
		for _, l := range set.Lines {
			if l.Args[0] == "-N" {
				at := [2]string{set.family(), l.Table}
				if made[at] == nil {
					made[at] = &xtChains{is: map[string]bool{}}
				}
				made[at].is[l.Args[1]] = true
				made[at].names = append(made[at].names, l.Args[1])
			}
		}
	}
	targets := xtTargets()
	for _, set := range sets {
		if set.Form == "port_guard" {
			continue
		}
		at := pathOf(path, set)
		for i := range set.Lines {
			l := &set.Lines[i]
			if l.Args[0] != "-A" && l.Args[0] != "-I" {
				continue
			}
			chains := made[[2]string{set.family(), l.Table}]
			if chains == nil {
				chains = &xtChains{}
			}
			for _, o := range append(l.options('j'), l.options('g')...) {
				if _, listed := targets[o.value]; !listed && o.letter == 'j' && known(o.value) {
					continue
				}
				if why := targetText(file, l, o, chains, targets); why != "" {
					wrongIn(file, l, o.value, at, why)
				}
			}
			for _, o := range l.options('m') {
				if o.value != "" && !slices.Contains(xtMatches(), o.value) && !known(o.value) {
					wrongIn(file, l, o.value, at, "no match is called "+problem.Quoted(problem.Clip(o.value))+
						xtUnknown(o.value, problem.Suggest(o.value, xtMatches())))
				}
			}
			for _, o := range l.parsed() {
				if why := refusedOption(o); why != "" {
					wrongIn(file, l, cmp.Or(o.value, o.word), at, why)
					break
				}
			}
		}
	}
}

// targetText says why a rule cannot go there, or "".
func targetText(file File, l *Line, o xtOption, chains *xtChains, targets map[string]string) string {
	name := o.value
	table, known := targets[name]
	switch {
	case name == "":
		return "-" + string(o.letter) + " lacks a target"
	case chains.is[name]:
		return ""
	case slices.Contains(ownChains(l.Table), name):
		return problem.Quoted(name) +
			" is a chain that the kernel begins with; only chains that -N makes can be gone to"
	case o.letter == 'g':
		return "table " + l.Table + " has no chain " + problem.Quoted(problem.Clip(name)) + ", and no -N makes it" +
			file.Near(name, func() []string { return chains.names })
	case !known:
		all := func() []string {
			all := slices.Clone(chains.names)
			for t := range targets {
				all = append(all, t)
			}
			slices.Sort(all)
			return all
		}
		return "no target is called " + problem.Quoted(problem.Clip(name)) +
			", and no -N makes such a chain in table " + l.Table +
			xtUnknown(name, file.Near(name, all))
	case table != "" && table != l.Table:
		return name + " works in table " + table + " only; write \"-t " + table + "\""
	}
	return ""
}

// wrongIn reports a word of a line.
func wrongIn(file File, l *Line, word, path, text string) {
	pos, width := l.Pos, len(l.Args[0])
	if line := file.Line(pos.Line); word != "" && pos.Col > 0 && pos.Col <= len(line) {
		if i := strings.Index(line[pos.Col-1:], word); i >= 0 {
			pos.Col, width = pos.Col+i, len(word)
		}
	}
	file.Add(pos, width, path, text, false)
}
