package state

// RuleSet is one of the lab's rule sets that is loaded in a node.
type RuleSet struct {
	Name  string      `json:"name"`
	Form  string      `json:"form"` // iptables ip6tables nft port_guard
	At    Pos         `json:"at,omitzero"`
	Lines []RuleLine  `json:"lines,omitzero"` // what iptables and ip6tables are given, in their order
	Text  string      `json:"text,omitzero"`  // what nft is given
	Hits  []RuleCount `json:"hits,omitzero"`  // by name, those that have counted something
}

// RuleLine is one command of iptables or ip6tables, without the program's name and the table.
type RuleLine struct {
	Table string   `json:"table"`
	Args  []string `json:"args"`
	Name  string   `json:"name,omitzero"`
	At    Pos      `json:"at,omitzero"`
}

// RuleCount is how many packets a rule has counted.
type RuleCount struct {
	Rule    string `json:"rule"`
	Packets uint64 `json:"packets"`
}
