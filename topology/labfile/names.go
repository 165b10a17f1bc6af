package labfile

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/problem"
)

// Longest names, in bytes. 63 for a full name keeps the namespace's
// file name below NAME_MAX.
const (
	maxLabName  = 32
	maxNodeName = 63
	maxWord     = 31
)

// reserved names of interfaces and nodes: the kernel's, the words of tables, and what other YAML readers take for values.
func reserved() []string {
	return []string{"lo", "all", "default", "ok", "x", "yes", "no", "failed", "direct", "silent", "unknown", "broadcast",
		"on", "off", "true", "false", "null"}
}

// nameShape is the shape of a name of one kind of thing.
func nameShape(what, pattern string, longest int, taken []string) *shape {
	re := nameREs[pattern]
	return &shape{form: formText, want: "the name of " + what, re: re, max: longest, test: func(s string) string {
		switch {
		case len(s) > longest:
			return fmt.Sprintf("%q (%d bytes) is longer than the name of %s may be (%d)", problem.Clip(s), len(s), what, longest)
		case !re.MatchString(s):
			return fmt.Sprintf("%q cannot be the name of %s: want %s", problem.Clip(s), what, describe(pattern))
		case slices.Contains(taken, s):
			return fmt.Sprintf("%q is a reserved word; take another name", s)
		}
		return ""
	}, not: taken}
}

// describe says a name's pattern in words.
func describe(pattern string) string {
	_, rest, _ := strings.Cut(pattern, "]")
	first := "a letter"
	if strings.HasPrefix(pattern, "[a-z]") {
		first = "a lower-case letter"
		return first + `, then lower-case letters, digits and "-"`
	}
	marks := strings.TrimSuffix(strings.TrimPrefix(rest, "[A-Za-z0-9"), "]*")
	var quoted []string
	for _, c := range marks {
		quoted = append(quoted, strconv.Quote(string(c)))
	}
	return first + ", then letters, digits, " + problem.AndList(quoted)
}

const (
	patternLab       = `[a-z][a-z0-9-]*`
	patternNode      = `[A-Za-z][A-Za-z0-9_-]*`
	patternInterface = `[A-Za-z][A-Za-z0-9_.-]*`
	patternCase      = `[A-Za-z][A-Za-z0-9_.+=-]*`
)

// nameREs are the patterns, compiled once: names are checked one by one.
var nameREs = map[string]*regexp.Regexp{patternLab: wholeRE(patternLab), patternNode: wholeRE(patternNode),
	patternInterface: wholeRE(patternInterface), patternCase: wholeRE(patternCase)}

func wholeRE(pattern string) *regexp.Regexp { return regexp.MustCompile("^" + pattern + "$") }

func interfaceName() *shape {
	return nameShape("an interface", patternInterface, topology.MaxInterface, reserved())
}

func wordName(what string) *shape { return nameShape(what, patternNode, maxWord, nil) }

// addressText says why s is no address that a node can have or ask for.
func addressText(s string) string {
	a, err := netip.ParseAddr(s)
	switch {
	case err != nil && strings.Contains(s, "/"):
		return fmt.Sprintf("%q has a length; want an address alone, as 192.168.0.1", problem.Clip(s))
	case err != nil:
		return fmt.Sprintf("%q is not an address; want one as 192.168.0.1 or 2001:db8::1", problem.Clip(s))
	case a.Zone() != "":
		return fmt.Sprintf("%q has a zone; the interface is named by its place in the file", problem.Clip(s))
	case a.Is4In6():
		return fmt.Sprintf("%q is an IPv4 address in disguise; write %s", problem.Clip(s), a.Unmap())
	}
	return ""
}

// prefixText says why s is no prefix, host bits kept, that an interface can have.
func prefixText(s string) string {
	host, length, ok := strings.Cut(s, "/")
	if !ok {
		if a, err := netip.ParseAddr(s); err == nil {
			return fmt.Sprintf("%q has no length; write %s/%d", s, s, usualLength(a))
		}
		return fmt.Sprintf("%q is not a prefix; want one as 192.168.0.1/24", problem.Clip(s))
	}
	if why := addressText(host); why != "" {
		return fmt.Sprintf("%q is not a prefix: %s", problem.Clip(s), why)
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		bits := netip.MustParseAddr(host).BitLen()
		return fmt.Sprintf("%q is not a prefix: the length is a number from 0 to %d, not %q", problem.Clip(s), bits, problem.Clip(length))
	}
	switch a := p.Addr(); {
	case a.IsUnspecified(), a.IsMulticast(), a.IsLoopback(), a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return fmt.Sprintf("%q cannot be an interface's: it is not a unicast address of a network", s)
	}
	return ""
}

func usualLength(a netip.Addr) int {
	if a.Is4() {
		return 24
	}
	return 64
}

// routeText says why s is no destination of a route.
func routeText(s string) string {
	if s == "default" {
		return ""
	}
	p, err := netip.ParsePrefix(s)
	if err != nil || p.Addr().Is4In6() {
		if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
			return fmt.Sprintf("%q has no length; write %s/%d for this address alone", s, s, a.BitLen())
		}
		return fmt.Sprintf("%q is not a destination; want default or a prefix as 10.0.0.0/8", problem.Clip(s))
	}
	if p.Masked() != p {
		return fmt.Sprintf("%q has bits behind its length, which the kernel refuses in a route; write %s", s, p.Masked())
	}
	return ""
}

// macText says why s is no MAC address that an interface can have.
func macText(s string) string {
	m, err := switchcore.ParseMAC(s)
	switch {
	case err != nil:
		return err.Error()
	case m.IsZero():
		return "00:00:00:00:00:00 is nobody's MAC address"
	case m[0]&1 != 0:
		return s + " is a group address (its first byte is odd); an interface has one of its own"
	}
	return ""
}

// macOrNameText accepts a MAC or the name of an entry of "names", which is looked up later.
func macOrNameText(s string) string {
	if strings.Contains(s, ":") {
		return macText(s)
	}
	return wordName("an address").textOK(s)
}

var durationRE = regexp.MustCompile(`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`)

// maxDuration bounds every duration of a file; a bridge counts its ageing time in 32 bits of 10 ms.
const maxDuration = 24 * time.Hour

func durationText(s string) string {
	d, err := time.ParseDuration(s)
	switch {
	case !durationRE.MatchString(s) || err != nil:
		return fmt.Sprintf("%q is not a duration; want one with its unit, as 30s, 1m30s or 200ms", problem.Clip(s))
	case d > maxDuration:
		return fmt.Sprintf("%s is longer than 24h", s)
	}
	return ""
}

// vlansText says why s is no list of VLANs.
func vlansText(s string) string {
	if _, ok := parseVLANs(s); !ok {
		return fmt.Sprintf("%q is not a list of VLANs; want numbers from 1 to 4094 and ranges, as \"10,20-30\"", problem.Clip(s))
	}
	return ""
}

var vlansRE = regexp.MustCompile(`^[1-9][0-9]{0,3}(-[1-9][0-9]{0,3})?(,[1-9][0-9]{0,3}(-[1-9][0-9]{0,3})?)*$`)

func parseVLANs(s string) ([]switchcore.VLANRange, bool) {
	if !vlansRE.MatchString(s) {
		return nil, false
	}
	var out []switchcore.VLANRange
	for _, part := range strings.Split(s, ",") {
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
