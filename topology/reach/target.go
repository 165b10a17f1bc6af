package reach

import "labctl/topology"

// target resolves the text of a row or a column.
func (p *Prober) target(text string) (topology.Target, bool) { return p.Lab.Target(text) }
