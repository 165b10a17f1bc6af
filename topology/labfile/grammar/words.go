package grammar

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

// MaxWord is how long a name may be that only the file knows, in bytes.
const MaxWord = 31

// What names are made of.
const (
	LowerName = `[a-z][a-z0-9-]*`
	PlainName = `[A-Za-z][A-Za-z0-9_-]*`
	NICName   = `[A-Za-z][A-Za-z0-9_.-]*`
	CaseName  = `[A-Za-z][A-Za-z0-9_.+=-]*`
)

// nameREs are the patterns, compiled once: names are checked one by one.
var nameREs = map[string]*regexp.Regexp{LowerName: wholeRE(LowerName), PlainName: wholeRE(PlainName),
	NICName: wholeRE(NICName), CaseName: wholeRE(CaseName)}

func wholeRE(pattern string) *regexp.Regexp { return regexp.MustCompile("^" + pattern + "$") }

// Reserved are words that no interface and no node is called by: the kernel's, those of tables, and what other YAML
// readers take for values.
func Reserved() []string {
	return []string{"lo", "all", "default", "ok", "x", "yes", "no", "failed", "direct", "silent", "unknown",
		"broadcast",
		"on", "off", "true", "false", "null"}
}

// Named is the name of one kind of thing, of one of the patterns above, but for words that are taken.
func Named(what, pattern string, longest int, taken []string) *Shape {
	re := nameREs[pattern]
	return &Shape{Form: Text, Want: "the name of " + what, RE: re, Max: longest, Test: func(s string) string {
		switch {
		case len(s) > longest:
			return fmt.Sprintf("%q (%d bytes) is longer than the name of %s may be (%d)", problem.Clip(s), len(s), what,
				longest)
		case !re.MatchString(s):
			why := fmt.Sprintf("%q cannot be the name of %s: want %s", problem.Clip(s), what, describe(pattern))
			near := ""
			switch pattern {
			case LowerName:
				near = lowerName(s)
			case PlainName:
				near = strings.Trim(notPlain.ReplaceAllString(s, "-"), "-")
			}
			if re.MatchString(near) && len(near) <= longest {
				why += ", as " + near
			}
			return why
		case slices.Contains(taken, s):
			return fmt.Sprintf("%q is a reserved word; take another name", s)
		}
		return ""
	}, Not: taken}
}

// notPlain is what a plain name cannot have.
var notPlain = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// lowerName is a text in the letters of a lower-case name.
func lowerName(s string) string {
	return strings.Trim(strings.Map(func(c rune) rune {
		switch {
		case c >= 'A' && c <= 'Z':
			return c + 'a' - 'A'
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			return c
		}
		return '-'
	}, s), "-")
}

// describe says a name's pattern in words.
func describe(pattern string) string {
	_, rest, _ := strings.Cut(pattern, "]")
	if strings.HasPrefix(pattern, "[a-z]") {
		return `a lower-case letter, then lower-case letters, digits and "-"`
	}
	marks := strings.TrimSuffix(strings.TrimPrefix(rest, "[A-Za-z0-9"), "]*")
	var quoted []string
	for _, c := range marks {
		quoted = append(quoted, strconv.Quote(string(c)))
	}
	return "a letter, then letters, digits, " + problem.AndList(quoted)
}

// InterfaceName is the name of an interface.
func InterfaceName() *Shape { return Named("an interface", NICName, topology.MaxInterface, Reserved()) }

// WordName is a plain name of something that only the file knows.
func WordName(what string) *Shape { return Named(what, PlainName, MaxWord, nil) }

// OneLine is a text without a line break.
func OneLine(what string, longest int) *Shape {
	return &Shape{Form: Text, Want: what, Max: longest, RE: regexp.MustCompile(`^[^\n]+$`)}
}

// AnyText is any text that is not empty.
func AnyText(want string) *Shape {
	return &Shape{Form: Text, Want: want, RE: regexp.MustCompile(`.`)}
}

// OneOf is one of some words.
func OneOf(words ...string) *Shape {
	return &Shape{Form: Text, Want: problem.OrList(words), Words: words}
}

// YesNo is true or false.
func YesNo(doc string) *Shape { return &Shape{Form: Bool, Want: "true or false", Doc: doc} }

// NumberOf is a whole number from low to high.
func NumberOf(want string, low, high int) *Shape {
	return &Shape{Form: Number, Want: want, Min: low, Max: high}
}

// AddressPattern is what an address looks like, as far as an editor has to know.
const AddressPattern = `[0-9]{1,3}(\.[0-9]{1,3}){3}|([0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}|[0-9a-fA-F:]*::[0-9a-fA-F:.]*`

// Address is an address of IPv4 or IPv6.
func Address() *Shape {
	return &Shape{Form: Text, Want: "an address", Test: AddressText, RE: addressRE}
}

// Prefix is an address with its length, host bits kept.
func Prefix() *Shape {
	return &Shape{Form: Text, Want: "a prefix, as 192.168.0.1/24", Test: PrefixText, RE: prefixRE}
}

// Prefixes is a prefix or a list of them.
func Prefixes() *Shape {
	return &Shape{Form: Either, Want: "a prefix, as 192.168.0.1/24, or a list of prefixes",
		Doc: "addresses with their lengths, in the order in which they are added",
		Any: []*Shape{Prefix(), {Form: List, Want: "a list of prefixes", Of: Prefix()}},
		Instead: func(v Value) string {
			if v.IsNull() {
				return `has no value; write "[]" for no address`
			}
			return ""
		}}
}

// macPattern is a MAC address as a file writes it.
const macPattern = `[0-9a-f]{2}(:[0-9a-f]{2}){5}`

var (
	addressRE   = regexp.MustCompile(`^(` + AddressPattern + `)$`)
	prefixRE    = regexp.MustCompile(`^(` + AddressPattern + `)/[0-9]+$`)
	macRE       = regexp.MustCompile(`^` + macPattern + `$`)
	macOrNameRE = regexp.MustCompile(`^(` + macPattern + `|[A-Za-z][A-Za-z0-9_-]*)$`)
)

// MACOrName is a MAC address or the name of an entry of "names", which is looked up later.
func MACOrName(doc string) *Shape {
	return &Shape{Form: Text, Want: "a MAC address or a name", Doc: doc, Test: MACOrNameText, Max: MaxWord,
		RE: macOrNameRE}
}

// MAC is a MAC address that an interface can have.
func MAC() *Shape {
	return &Shape{Form: Text, Want: "a MAC address", Test: MACText, RE: macRE}
}

// Duration is a time with its unit.
func Duration(doc string) *Shape {
	return &Shape{Form: Text, Want: "a duration, as 30s", Doc: doc, Test: durationText, RE: durationRE}
}

// Ticks is a time that a bridge counts in hundredths of a second (linux/if_link.h), within the kernel's bounds.
func Ticks(low, high time.Duration, doc string) *Shape {
	s := Duration(doc)
	s.Test = func(v string) string {
		if why := durationText(v); why != "" {
			return why
		}
		d, _ := time.ParseDuration(v)
		if d < low || d > high {
			return fmt.Sprintf("%s does not fit; the kernel takes %s to %s", v, low, high)
		}
		if d%(10*time.Millisecond) != 0 {
			return fmt.Sprintf("%s does not fit; a bridge counts in steps of 10ms", v)
		}
		return ""
	}
	return s
}

// AddressText says why s is not an address that a node can have or ask for.
func AddressText(s string) string {
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

// PrefixText says why s is not a prefix, host bits kept, that an interface can have.
func PrefixText(s string) string {
	if text := dottedMask(s); text != "" {
		return text
	}
	host, length, ok := strings.Cut(s, "/")
	if !ok {
		if a, err := netip.ParseAddr(s); err == nil {
			return fmt.Sprintf("%q has no length; write %s/%d", s, s, usualLength(a))
		}
		return fmt.Sprintf("%q is not a prefix; want one as 192.168.0.1/24", problem.Clip(s))
	}
	if why := AddressText(host); why != "" {
		return fmt.Sprintf("%q is not a prefix: %s", problem.Clip(s), why)
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		bits := netip.MustParseAddr(host).BitLen()
		return fmt.Sprintf("%q is not a prefix: the length is a number from 0 to %d, not %q", problem.Clip(s), bits,
			problem.Clip(length))
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

// MACText says why s is not a MAC address that an interface can have, or "".
func MACText(s string) string {
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

// MACOrNameText says why s is neither a MAC address nor like a name, or "".
func MACOrNameText(s string) string {
	if strings.Contains(s, ":") || PlainMAC(s) != "" && nameREs[PlainName].FindString(s) == "" {
		return MACText(s)
	}
	return WordName("an address").Refuses(s)
}

var durationRE = regexp.MustCompile(`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`)

// MaxDuration bounds every duration of a file; a bridge counts its ageing time in 32 bits of 10 ms.
const MaxDuration = 24 * time.Hour

func durationText(s string) string {
	d, err := time.ParseDuration(s)
	switch {
	case !durationRE.MatchString(s) || err != nil:
		return fmt.Sprintf("%q is not a duration; want one with its unit, as 30s, 1m30s or 200ms", problem.Clip(s))
	case d > MaxDuration:
		return fmt.Sprintf("%s is longer than 24h", s)
	}
	return ""
}
