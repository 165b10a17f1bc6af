package grammar

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"labctl/switchcore"
	"labctl/topology/problem"
)

// VLANs are tagged VLANs of a port: numbers and ranges.
func VLANs() *Shape {
	return &Shape{Form: Text, Want: `VLANs, as "10,20-30"`, RE: vlansRE, Test: func(s string) string {
		if _, ok := ParseVLANs(s); !ok {
			return fmt.Sprintf("%q is not a list of VLANs; want numbers from 1 to 4094 and ranges, as \"10,20-30\"",
				problem.Clip(s))
		}
		return ""
	}}
}

// VLANID is the number of a VLAN that a port can be in.
func VLANID() *Shape { return NumberOf("a VLAN from 1 to 4094", 1, 4094) }

// VLANKey is the number of a VLAN as a key of a map.
func VLANKey() *Shape {
	return &Shape{Form: Text, Want: "a VLAN from 1 to 4094", RE: regexp.MustCompile(`^[1-9][0-9]{0,3}$`),
		Test: func(s string) string {
			if n, err := strconv.Atoi(s); err != nil || n < 1 || n > 4094 {
				return fmt.Sprintf("%q does not fit; want a VLAN from 1 to 4094", problem.Clip(s))
			}
			return ""
		}}
}

// Trunk is a word or the VLANs of a trunk, 0 being frames without a tag.
func Trunk() *Shape {
	return &Shape{Form: Text, Want: `trunk or VLANs, as "10,20-30"`, RE: trunkRE, Test: func(s string) string {
		if _, ok := ParseTrunk(s); !ok {
			return fmt.Sprintf("%q is not a trunk; want trunk, or numbers from 0 to 4094 and ranges, as \"10,20-30\"",
				problem.Clip(s))
		}
		return ""
	}}
}

var (
	vlansRE = regexp.MustCompile(`^[1-9][0-9]{0,3}(-[1-9][0-9]{0,3})?(,[1-9][0-9]{0,3}(-[1-9][0-9]{0,3})?)*$`)
	trunkRE = regexp.MustCompile(
		`^(trunk|(0|[1-9][0-9]{0,3})(-[1-9][0-9]{0,3})?(,(0|[1-9][0-9]{0,3})(-[1-9][0-9]{0,3})?)*)$`)
)

// ParseVLANs reads a text of [VLANs].
func ParseVLANs(s string) ([]switchcore.VLANRange, bool) {
	if !vlansRE.MatchString(s) {
		return nil, false
	}
	return ranges(s)
}

// ParseTrunk reads a text of [Trunk]: "trunk", which is every VLAN and untagged frames too, or a list of VLANs.
func ParseTrunk(s string) ([]switchcore.VLANRange, bool) {
	if s == "trunk" {
		return []switchcore.VLANRange{{First: 0, Last: 4094}}, true
	}
	if !trunkRE.MatchString(s) {
		return nil, false
	}
	return ranges(s)
}

func ranges(s string) ([]switchcore.VLANRange, bool) {
	var out []switchcore.VLANRange
	for part := range strings.SplitSeq(s, ",") {
		a, b, isRange := strings.Cut(part, "-")
		first, _ := strconv.Atoi(a)
		last := first
		if isRange {
			last, _ = strconv.Atoi(b)
		}
		if first > last || last > 4094 {
			return nil, false
		}
		out = append(out, switchcore.VLANRange{First: first, Last: last})
	}
	return out, true
}
