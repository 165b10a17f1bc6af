package grammar

import (
	"fmt"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"

	"labctl/switchcore"
)

// MaskBits is the length of a network mask, in dots (255.255.255.0) or as a number with or without its slash; "" of
// what is neither.
func MaskBits(word string) string {
	if a, err := netip.ParseAddr(word); err == nil && a.Is4() {
		b := a.As4()
		mask := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
		ones := bits.LeadingZeros32(^mask)
		if mask<<ones != 0 {
			return ""
		}
		return strconv.Itoa(ones)
	}
	if n, err := strconv.Atoi(strings.TrimPrefix(word, "/")); err == nil && n >= 0 && n <= 128 {
		return strconv.Itoa(n)
	}
	return ""
}

// dottedMask says how "10.0.0.1/255.255.255.0", or the same with a blank, is written; "" of other texts.
func dottedMask(s string) string {
	host, mask, ok := strings.Cut(s, "/")
	if !ok {
		host, mask, ok = strings.Cut(s, " ")
	}
	mask = strings.TrimPrefix(strings.TrimSpace(mask), "netmask ")
	if !ok || !strings.Contains(mask, ".") || AddressText(host) != "" {
		return ""
	}
	if n := MaskBits(mask); n != "" {
		return fmt.Sprintf("%q has its mask in dots; write %s/%s", s, host, n)
	}
	return ""
}

// PlainMAC is a MAC address in the spelling of lab files, of one in any other (00-50-56-AA-BB-CC, 0050.56aa.bbcc, with
// capitals); "" of what is none.
func PlainMAC(s string) string {
	m, ok := switchcore.OtherMAC(s)
	if !ok {
		return ""
	}
	return m.String()
}
