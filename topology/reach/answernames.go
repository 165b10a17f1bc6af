package reach

import (
	"net/netip"
	"slices"
	"strings"

	"labctl/topology"
)

// forName is the word about an address that is an entry of "names", and the same said by nodes. If the entry has a MAC,
// it is yes when that alone answers; else when exactly the nodes answer that hold the address in the file.
func (k *asker) forName(own *owners) (word string, exact []string) {
	var nodes, others, ifaces []string
	holders := k.holders(own)
	for _, m := range k.macs {
		var at []string
		for _, h := range holders {
			if slices.Contains(own.byMAC[m], h) {
				at = append(at, h)
			}
		}
		switch {
		case m == k.mac:
			nodes = append(nodes, k.to.Text)
		case k.mac.IsZero() && len(at) > 0:
			nodes = append(nodes, at...)
		default:
			others = append(others, own.ofMAC(m))
		}
		ifaces = append(ifaces, own.exactMAC(m)...)
	}
	said := joined(append(slices.Clone(nodes), others...))
	var byInterface []string
	if len(ifaces) == len(k.macs) {
		byInterface = append(byInterface, joined(ifaces))
	}
	if len(others) > 0 || k.mac.IsZero() && len(unique(nodes)) < len(holders) {
		return said, byInterface
	}
	var owned []string
	for _, m := range k.macs {
		owned = append(owned, own.ofMAC(m))
	}
	// The nodes come first: a file that wants the node is answered by what it says, though the interface would do as
	// well.
	return "yes", append([]string{joined(owned)}, byInterface...)
}

// holders are the nodes that have the address of a name in the file, on an interface that others can reach: one on lo
// alone is kept from answering on purpose, where several share an address. Who asks does not answer itself.
func (k *asker) holders(own *owners) []string {
	var out []string
	for _, n := range own.lab.Nodes {
		if n.Name == k.from || n.Kind == topology.VSwitch {
			continue
		}
		if slices.ContainsFunc(n.Interfaces, func(i *topology.Interface) bool {
			return i.Name != "lo" && slices.ContainsFunc(i.Addrs,
				func(a netip.Prefix) bool { return a.Addr() == k.dst })
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

func joined(words []string) string { return strings.Join(unique(words), "+") }
