// Package shape decides what "labctl init" writes: a lab of hosts on bridges in one of the shapes that Mininet's users
// know, as the text of a lab file. It touches nothing.
package shape

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"labctl/topology/problem"
)

// MaxHosts and MaxBridges are the largest shapes: with that many hosts a table still holds every pair, and a bridge has
// ports for all of them.
const MaxHosts, MaxBridges = 1000, 1000

// Shape is hosts and bridges, and the cables between them. [Parse] and [Hosts] are its only constructors.
type Shape struct {
	kind    *kind
	numbers []int
	bridges []string
	hosts   []string
	cables  []cables // in the order of the file
	row     int      // bridges behind the root, in a row, when a cable of a ring has failed; 0: no ring
}

// cables join each of From to To.
type cables struct {
	from []string
	to   string
}

// kind is one shape by its name.
type kind struct {
	name    string
	numbers []number
	count   func(n []int) (bridges, hosts int) // no more than too many of either
	build   func(s *Shape, n []int)
	about   func(n []int) string
	draw    func(s *Shape) []string
}

// number is what stands behind the name, after a comma.
type number struct {
	name      string
	least     int
	otherwise int    // what it is when it is not given; 0: it must be
	why       string // why it is not less than least
}

// kinds are all shapes: Mininet's names, their numbers and its defaults, and a ring.
func kinds() []kind {
	hosts := number{"HOSTS", 1, 1, ""}
	around := "two bridges would have two cables between them, and make no ring"
	return []kind{
		{name: "single", numbers: []number{{"HOSTS", 2, 2, "a host alone reaches nobody"}},
			count: func(n []int) (int, int) { return 1, n[0] }, build: single, draw: drawSingle,
			about: func(n []int) string { return problem.Count(n[0], "host") + " on a bridge" }},
		{name: "linear", numbers: []number{{"BRIDGES", 1, 2, ""}, hosts},
			count: perBridge, build: linear, draw: drawRow,
			about: func(n []int) string { return problem.Count(n[0], "bridge") + " in a row, " + each(n[1]) }},
		{name: "tree", numbers: []number{{"DEPTH", 1, 1, ""}, {"FANOUT", 1, 2, ""}},
			count: countTree, build: tree, draw: drawTree,
			about: func(n []int) string {
				bridges, hosts := countTree(n)
				return fmt.Sprintf("a tree of depth %d and fanout %d with %s and %s", n[0], n[1],
					problem.Count(bridges, "bridge"), problem.Count(hosts, "host"))
			}},
		{name: "ring", numbers: []number{{"BRIDGES", 3, 0, around}, hosts},
			count: perBridge, build: ring, draw: drawRing,
			about: func(n []int) string {
				return problem.Count(n[0], "bridge") + " in a ring with a spanning tree, " + each(n[1])
			}},
		{name: "torus", numbers: []number{{"X", 3, 0, around}, {"Y", 3, 0, around}, hosts},
			count: func(n []int) (int, int) { return n[0] * n[1], n[0] * n[1] * n[2] }, build: torus, draw: drawTorus,
			about: func(n []int) string {
				return fmt.Sprintf("%d × %d bridges in a torus with a spanning tree, %s", n[0], n[1], each(n[2]))
			}},
	}
}

// perBridge counts a shape of bridges with so many hosts each.
func perBridge(n []int) (bridges, hosts int) { return n[0], n[0] * n[1] }

func each(hosts int) string {
	if hosts == 1 {
		return "a host on each"
	}
	return problem.Count(hosts, "host") + " on each"
}

// usage is how a shape is written: linear[,BRIDGES[,HOSTS]].
func (k *kind) usage() string {
	text, end := k.name, ""
	for _, n := range k.numbers {
		if n.otherwise == 0 {
			text += "," + n.name
		} else {
			text, end = text+"[,"+n.name, end+"]"
		}
	}
	return text + end
}

// Names are the names of all shapes.
func Names() []string {
	var names []string
	for _, k := range kinds() {
		names = append(names, k.name)
	}
	return names
}

// Usage is how the shapes are written, in one line.
func Usage() string {
	var words []string
	for _, k := range kinds() {
		words = append(words, k.usage())
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// Hosts is that many hosts on one bridge.
func Hosts(n int) (*Shape, error) {
	if n < 2 || n > MaxHosts {
		return nil, fmt.Errorf("want 2 to %d hosts", MaxHosts)
	}
	return Parse("single," + strconv.Itoa(n))
}

// Parse reads a shape as Mininet's --topo takes it: a name, and numbers after commas. The error says what would be
// right.
func Parse(text string) (*Shape, error) {
	name, rest, more := strings.Cut(text, ",")
	for _, k := range kinds() {
		if k.name != name {
			continue
		}
		var given []string
		if more {
			given = strings.Split(rest, ",")
		}
		n, err := k.read(given)
		if err != nil {
			return nil, err
		}
		s := &Shape{kind: &k, numbers: n}
		k.build(s, n)
		if s.row > maxRow {
			return nil, fmt.Errorf("%d bridges would follow each other behind the root of the spanning tree, whose "+
				"messages get past %d at most; want fewer bridges", s.row, maxRow)
		}
		return s, nil
	}
	meant := problem.Suggest(name, Names())
	if meant == "" {
		meant = "; there are " + Usage()
	}
	return nil, fmt.Errorf("there is no shape %s%s", problem.Quoted(name), meant)
}

// read takes the numbers of a shape, and refuses those that make no lab.
func (k *kind) read(given []string) ([]int, error) {
	if len(given) > len(k.numbers) {
		return nil, fmt.Errorf("%s after %s, and it takes %d; want %s", problem.Count(len(given), "number"), k.name,
			len(k.numbers), k.usage())
	}
	out := make([]int, len(k.numbers))
	for i, n := range k.numbers {
		out[i] = n.otherwise
		if i < len(given) {
			v, err := strconv.Atoi(given[i])
			if err != nil || given[i] != strconv.Itoa(v) {
				return nil, fmt.Errorf("%s is not a whole number; want %s", problem.Quoted(given[i]), k.usage())
			}
			out[i] = v
		}
		switch {
		case i >= len(given) && n.otherwise == 0:
			return nil, fmt.Errorf("%s is missing; want %s", n.name, k.usage())
		case out[i] < n.least && n.why != "":
			return nil, fmt.Errorf("%s is %d, want at least %d: %s", n.name, out[i], n.least, n.why)
		case out[i] < n.least:
			return nil, fmt.Errorf("%s is %d, want at least %d", n.name, out[i], n.least)
		case out[i] > MaxHosts: // so that nothing that is counted overflows
			return nil, fmt.Errorf("%s is %d, want at most %d", n.name, out[i], MaxHosts)
		}
	}
	return out, k.fits(out)
}

// fits refuses what is too large, or too small to ask anybody.
func (k *kind) fits(n []int) error {
	bridges, hosts := k.count(n)
	switch {
	case hosts < 2:
		return fmt.Errorf("that is one host, who reaches nobody; want at least 2")
	case hosts > MaxHosts:
		return fmt.Errorf("that is more than %d hosts; want smaller numbers, such as %s", MaxHosts, k.largest(n))
	case bridges > MaxBridges:
		return fmt.Errorf("that is more than %d bridges; want smaller numbers, such as %s", MaxBridges, k.largest(n))
	}
	return nil
}

// largest is a shape that is like n, and not too large: its numbers are made smaller one by one, the first one first.
func (k *kind) largest(n []int) string {
	n = slices.Clone(n)
	for i := range n {
		for bridges, hosts := k.count(n); n[i] > k.numbers[i].least && (bridges > MaxBridges || hosts > MaxHosts); {
			n[i]--
			bridges, hosts = k.count(n)
		}
	}
	words := []string{k.name}
	for _, v := range n {
		words = append(words, strconv.Itoa(v))
	}
	return strings.Join(words, ",")
}

// maxRow is how many bridges may follow each other behind the root of a spanning tree: each may hold a message back for
// a second (BR_HOLD_TIME, net/bridge/br_private_stp.h), and max_age is 40 s at most (IEEE 802.1D-2004, table 17-1).
const maxRow = 39

// treeTimes are the shortest times of a spanning tree with which its messages get as far as that many bridges, and
// IEEE 802.1D-1998, clause 8.10.2, promises that there is no loop.
func treeTimes(row int) (forwardDelay, maxAge time.Duration) {
	age := max(6, row+1)
	return time.Duration((age+1)/2+1) * time.Second, time.Duration(age) * time.Second
}
