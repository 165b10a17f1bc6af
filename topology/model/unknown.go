package model

import (
	"fmt"
	"reflect"
	"slices"

	"labctl/topology"
)

// unknown says what of a node, its interfaces and its routes the model does not know, "" if it knows all: fields that
// are set and that were not there when the model was written. So a new key of the format is undecided until somebody
// models it.
func unknown(n *topology.Node) string {
	if f := unknownField(*n, "Name", "Kind", "Pos", "IPv6", "Interfaces", "Routes", "Neighbours", "Sysctls", "Run",
		"Switch", "Rules", "IPRules"); f != "" {
		return f
	}
	for _, i := range n.Interfaces {
		if f := unknownField(*i, "Name", "Type", "Pos", "MAC", "MTU", "Up", "Promisc", "Addrs", "Peer", "Master",
			"Port", "Bridge", "Static", "Lower", "Mode", "Sources", "VLANID", "EffectiveMAC"); f != "" {
			return i.Name + ": " + f
		}
	}
	for _, r := range n.Routes {
		if f := unknownField(r, "Dst", "Type", "Via", "Dev", "Metric", "Src", "OnLink", "Table"); f != "" {
			return fmt.Sprintf("the route to %s: %s", r.Dst, f)
		}
	}
	return ""
}

// unknownField is the first exported field of a struct that is set and not one of those that are known.
func unknownField(s any, known ...string) string {
	v := reflect.ValueOf(s)
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.IsExported() && !v.Field(i).IsZero() && !slices.Contains(known, f.Name) {
			return f.Name + " is not modelled"
		}
	}
	return ""
}
