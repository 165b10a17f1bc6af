package shape

import (
	"fmt"
	"net/netip"
	"strings"

	"labctl/topology/problem"
)

// File is the lab file of the shape: a drawing, nodes and cables in the order in which a person would write them, and
// that every host reaches every other one. lab is the lab's name; it must be one that a lab file takes.
func (s *Shape) File(lab string) []byte {
	var b strings.Builder
	b.WriteString("# yaml-language-server: $schema=./labctl.schema.json     (labctl schema > labctl.schema.json)\n#\n")
	for _, line := range s.kind.draw(s) {
		b.WriteString(strings.TrimRight("#   "+line, " ") + "\n")
	}
	b.WriteString(s.comment())
	fmt.Fprintf(&b, "format: 1\nlab: %s\nabout: %s\n\nnodes:\n", lab, s.kind.about(s.numbers))
	for i, br := range s.bridges {
		fmt.Fprintf(&b, "  %s: {kind: bridge%s}\n", br, s.spanningTree(i == 0))
	}
	for i, h := range s.hosts {
		fmt.Fprintf(&b, "  %s: {ip: %s}\n", h, s.address(i))
	}
	b.WriteString("\nlinks:\n")
	for _, c := range s.cables {
		for from := c.from; len(from) > 0; {
			n := min(len(from), 10)
			fmt.Fprintf(&b, "  - %s -- %s\n", strings.Join(from[:n], " "), c.to)
			from = from[n:]
		}
	}
	b.WriteString("\nexpect:\n" + s.expectation())
	return []byte(b.String())
}

// maxPairs is how many hosts are all asked for each other: 39800 pairs, which take a quarter of a minute.
const maxPairs = 200

// expectation is that hosts reach each other.
func (s *Shape) expectation() string {
	if len(s.hosts) <= maxPairs {
		return "  ping: ok     # every host reaches every other one\n"
	}
	first := s.hosts[0]
	width := max(len(`from\to`), len(first))
	return fmt.Sprintf("  # \"ping: ok\" would ask %s, and take its time.\n  ping: |\n    %-*s  *\n    %-*s  ok\n",
		problem.Count(len(s.hosts)*(len(s.hosts)-1), "pair"), width, `from\to`, width, first)
}

// spanningTree is what a bridge of a ring says of its tree.
func (s *Shape) spanningTree(root bool) string {
	if s.row == 0 {
		return ""
	}
	delay, age := treeTimes(s.row)
	text := fmt.Sprintf(", stp: true, forward_delay: %s, max_age: %s", delay, age)
	if root {
		text += ", priority: 4096"
	}
	return text
}

// comment is what the drawing does not say.
func (s *Shape) comment() string {
	if s.row == 0 {
		return ""
	}
	delay, age := treeTimes(s.row)
	text := "#\n"
	if s.kind.name == "torus" {
		text += "# Every row and every column is a ring: what leaves the drawing on one side comes in again on the " +
			"other.\n# " + s.onEach() + "\n"
	}
	return text + fmt.Sprintf("# Frames would circle forever, so a spanning tree (the root is %s) blocks every "+
		"cable that would close a ring.\n# \"labctl up\" waits until the tree has settled: for twice forward_delay, "+
		"and up to max_age more, so for %s to %s.\n# These are the shortest times that are safe with so many "+
		"bridges.\n", s.bridges[0], 2*delay, 2*delay+age)
}

// onEach says which hosts are on the bridges of a drawing that has no room for them.
func (s *Shape) onEach() string {
	n := len(s.hosts) / len(s.bridges)
	first := s.hosts[0] + " " + s.short(0)
	if n == 1 {
		return fmt.Sprintf("Each bridge has a host: %s is on %s, %s %s on %s.", first, s.bridges[0], s.hosts[1],
			s.short(1), s.bridges[1])
	}
	to := "to"
	if n == 2 {
		to = "and"
	}
	return fmt.Sprintf("Each bridge has %s: %s %s %s %s are on %s.", problem.Count(n, "host"), first, to, s.hosts[n-1],
		s.short(n-1), s.bridges[0])
}

// network is the subnet, with room for every host: 10.0.0.0/24, or a larger one.
func (s *Shape) network() netip.Prefix {
	bits := 24
	for len(s.hosts) > 1<<(32-bits)-2 {
		bits--
	}
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, 0}), bits)
}

// address is the one of a host, by its number from 0.
func (s *Shape) address(host int) netip.Prefix {
	n := host + 1
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}), s.network().Bits())
}

// short is what differs of a host's address, as a drawing has it: .7, or .1.7 in a larger subnet.
func (s *Shape) short(host int) string {
	a := s.address(host).Addr().As4()
	if s.network().Bits() == 24 {
		return fmt.Sprintf(".%d", a[3])
	}
	return fmt.Sprintf(".%d.%d", a[2], a[3])
}
