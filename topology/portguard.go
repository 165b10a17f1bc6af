package topology

import "go.yaml.in/yaml/v4"

func (b *build) portGuard(s *site, n *Node, set *RuleSet, v *yaml.Node, path string) {}
