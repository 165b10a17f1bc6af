package model

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"labctl/switchcore"
	"labctl/topology"
)

// answers asks who holds an address, as package reach does: by a request of ARP from the interface that faces it.
func (a *asking) answers(at []int) {
	if !a.kept {
		a.world.Forget()
	}
	for _, i := range at {
		from, to, ok := a.ends(i)
		if !ok || a.kept && a.stainedTables(i) {
			continue
		}
		if !to.IP.IsValid() {
			a.fail(i, a.out[i].Question.B+" has no IPv4 address")
			continue
		}
		iface, src, ok := a.facing(from, to.IP)
		if !ok {
			a.fail(i, from.Text+" has no interface with an address to ask from")
			continue
		}
		a.world.Doubts()
		macs, ok := a.world.WhoHas(from.Node, iface, src, to.IP)
		if !ok {
			a.fail(i, from.Node+":"+iface+" is down")
			continue
		}
		if a.doubted(i) {
			continue
		}
		k := &asked{own: a.own, from: from.Node, to: to, macs: macs}
		if e := a.lab.Entry(to.Name); e != nil && to.Name != "" {
			k.mac = e.MAC
		}
		a.out[i].Got, a.out[i].Exact, a.out[i].Detail = k.word()
	}
}

// facing is the interface, and the address on it, from which a node would ask for an address.
func (a *asking) facing(from topology.Target, dst netip.Addr) (iface string, src netip.Addr, ok bool) {
	if from.Interface == "" {
		if r := a.world.Tables().Route(from.Node, dst); r.Refused == "" && !r.Local && r.Dev != "" {
			if r.Src.IsValid() {
				return r.Dev, r.Src, true
			}
			if l, is := a.own.link(from.Node, r.Dev); is && len(l.IPs) > 0 {
				return r.Dev, l.IPs[0].Addr(), true
			}
		}
	}
	for _, l := range a.own.links[from.Node] {
		if l.Name != "lo" && (from.Interface == "" || l.Name == from.Interface) && len(l.IPs) > 0 {
			return l.Name, l.IPs[0].Addr(), true
		}
	}
	return "", netip.Addr{}, false
}

// asked is one question that was asked, and who answered.
type asked struct {
	own  *owners
	from string
	to   topology.Target
	mac  switchcore.MAC // that an entry of "names" gives
	macs []switchcore.MAC
}

// word is yes, no, or who answers instead or as well.
func (k *asked) word() (word string, exact []string, detail string) {
	if len(k.macs) == 0 {
		return "no", nil, "no reply"
	}
	var words, each, said []string
	for _, m := range k.macs {
		words = append(words, k.answerer(m))
		each = append(each, k.own.exactMAC(m)...)
		said = append(said, m.String())
	}
	words, each = unique(words), unique(each)
	slices.Sort(said)
	detail = fmt.Sprintf("%s is at %s", k.to.IP, strings.Join(said, " and at "))
	switch {
	case k.to.Node == "":
		word, exact = k.forName()
		return word, exact, detail
	case len(words) == 1 && len(k.macs) == 1:
		return words[0], each, detail
	case len(words) == 1 && k.to.Interface == "":
		return words[0], []string{strings.Join(each, "+")}, detail
	}
	for i, w := range words {
		if w == "yes" {
			words[i] = k.to.Text
		}
	}
	slices.Sort(words)
	return strings.Join(words, "+"), nil, detail
}

// answerer is the word for who has the MAC that answered.
func (k *asked) answerer(m switchcore.MAC) string {
	w := k.own.ofMAC(m)
	mine := k.to.Node != "" && slices.Contains(k.own.byMAC[m], k.to.Node)
	at := k.own.exactMAC(m)
	switch {
	case w == k.to.Text, mine && k.to.Interface == "", mine &&
		(len(at) == 0 || slices.Contains(at, k.to.Node+":"+k.to.Interface)):
		return "yes"
	case mine:
		return at[0]
	}
	return w
}

// forName is the word about an address that is an entry of "names": yes when its MAC alone answers, or exactly the
// nodes that hold the address.
func (k *asked) forName() (word string, exact []string) {
	var nodes, others, ifaces []string
	holders := k.holders()
	for _, m := range k.macs {
		var at []string
		for _, h := range holders {
			if slices.Contains(k.own.byMAC[m], h) {
				at = append(at, h)
			}
		}
		switch {
		case m == k.mac:
			nodes = append(nodes, k.to.Text)
		case k.mac.IsZero() && len(at) > 0:
			nodes = append(nodes, at...)
		default:
			others = append(others, k.own.ofMAC(m))
		}
		ifaces = append(ifaces, k.own.exactMAC(m)...)
	}
	var byInterface []string
	if len(ifaces) == len(k.macs) {
		byInterface = append(byInterface, strings.Join(unique(ifaces), "+"))
	}
	if len(others) > 0 || k.mac.IsZero() && len(unique(nodes)) < len(holders) {
		return strings.Join(unique(append(slices.Clone(nodes), others...)), "+"), byInterface
	}
	var owned []string
	for _, m := range k.macs {
		owned = append(owned, k.own.ofMAC(m))
	}
	return "yes", append([]string{strings.Join(unique(owned), "+")}, byInterface...)
}

// holders are the nodes that have the address of a name in the file, on an interface that others can reach.
func (k *asked) holders() []string {
	var out []string
	for _, n := range k.own.lab.Nodes {
		if n.Name == k.from || n.Kind == topology.VSwitch {
			continue
		}
		if slices.ContainsFunc(n.Interfaces, func(i *topology.Interface) bool {
			return i.Name != "lo" && slices.ContainsFunc(i.Addrs,
				func(p netip.Prefix) bool { return p.Addr() == k.to.IP })
		}) {
			out = append(out, n.Name)
		}
	}
	return out
}

func unique(words []string) []string {
	words = slices.Clone(words)
	slices.Sort(words)
	return slices.Compact(words)
}
