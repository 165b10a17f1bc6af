package shape

import (
	"fmt"
	"slices"
)

func (s *Shape) bridge(name string) string {
	s.bridges = append(s.bridges, name)
	return name
}

func (s *Shape) host(name string) string {
	s.hosts = append(s.hosts, name)
	return name
}

// join lays cables to a bridge, with those that the one before has to the same.
func (s *Shape) join(to string, from ...string) {
	if last := len(s.cables) - 1; last >= 0 && s.cables[last].to == to {
		s.cables[last].from = append(s.cables[last].from, from...)
		return
	}
	s.cables = append(s.cables, cables{slices.Clone(from), to})
}

func single(s *Shape, n []int) {
	to := s.bridge("s1")
	for i := range n[0] {
		s.join(to, s.host(fmt.Sprintf("h%d", i+1)))
	}
}

// linear names its hosts as Mininet does: h2s3 is the second host of the third bridge.
func linear(s *Shape, n []int) {
	for i := range n[0] {
		br := s.bridge(fmt.Sprintf("s%d", i+1))
		for k := range n[1] {
			name := fmt.Sprintf("h%d", i+1)
			if n[1] > 1 {
				name = fmt.Sprintf("h%ds%d", k+1, i+1)
			}
			s.join(br, s.host(name))
		}
	}
	for i, br := range s.bridges[1:] {
		s.cables = append(s.cables, cables{[]string{s.bridges[i]}, br})
	}
}

// ring is a row whose ends are joined. When one of its cables fails it is a row, and the root may be at its end.
func ring(s *Shape, n []int) {
	linear(s, n)
	s.cables = append(s.cables, cables{[]string{s.bridges[n[0]-1]}, s.bridges[0]})
	s.row = n[0] - 1
}

// torus names bridges and hosts as Mininet does, by row and column: h2x3 is on s2x3.
func torus(s *Shape, n []int) {
	at := func(i, j int) string { return fmt.Sprintf("%dx%d", i%n[0]+1, j%n[1]+1) }
	for i := range n[0] {
		for j := range n[1] {
			br := s.bridge("s" + at(i, j))
			for k := range n[2] {
				name := "h" + at(i, j)
				if n[2] > 1 {
					name = fmt.Sprintf("%sx%d", name, k+1)
				}
				s.join(br, s.host(name))
			}
		}
	}
	for i := range n[0] {
		for j := range n[1] {
			s.join("s"+at(i, j), "s"+at(i, j+1), "s"+at(i+1, j))
		}
	}
	s.row = n[0]/2 + n[1]/2 + 2 // half of each ring, and round a cable that failed
}

// countTree counts, and stops when it has too many.
func countTree(n []int) (bridges, hosts int) {
	hosts = 1
	for range n[0] {
		bridges += hosts
		if hosts *= n[1]; hosts > MaxHosts || bridges > MaxBridges {
			break
		}
	}
	return bridges, hosts
}

// tree numbers its bridges as Mininet does: a bridge comes before all that is below it.
func tree(s *Shape, n []int) {
	var below func(depth int) string
	children := map[string][]string{}
	below = func(depth int) string {
		br := s.bridge(fmt.Sprintf("s%d", len(s.bridges)+1))
		for range n[1] {
			var child string
			if depth == 1 {
				child = s.host(fmt.Sprintf("h%d", len(s.hosts)+1))
			} else {
				child = below(depth - 1)
			}
			children[br] = append(children[br], child)
		}
		return br
	}
	below(n[0])
	for _, br := range s.bridges {
		s.join(br, children[br]...)
	}
}
