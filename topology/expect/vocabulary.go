package expect

import (
	"labctl/topology"
	"labctl/topology/problem"
)

// vocabulary judges the words of cells. It is not safe for concurrent use.
type vocabulary struct {
	lab     *topology.Lab
	ports   map[string][]string // of a bridge, by its column
	nodes   []string            // nodes and names, made when first needed
	suggest int                 // how many suggestions are still given: each compares with every name of the lab
}

func newVocabulary(lab *topology.Lab) *vocabulary {
	return &vocabulary{lab: lab, ports: map[string][]string{}, suggest: problem.MaxShown}
}

// near suggests a word, for the first mistakes only.
func (g *vocabulary) near(word string, candidates []string) string {
	if g.suggest == 0 {
		return ""
	}
	g.suggest--
	return problem.Suggest(word, candidates)
}

// nearOrList is near, or what there is when nothing is near.
func (g *vocabulary) nearOrList(word string, have []string) string {
	if near := g.near(word, have); near != "" {
		return near
	}
	return problem.Listed(have)
}

// names lists what may be an owner, nodes first.
func (g *vocabulary) names() []string {
	if g.nodes == nil {
		for _, n := range g.lab.Nodes {
			g.nodes = append(g.nodes, n.Name)
		}
		for _, e := range g.lab.Names {
			g.nodes = append(g.nodes, e.Name)
		}
	}
	return g.nodes
}
