//go:build linux

package kernel

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/google/nftables"

	"labctl/switchcore"
)

// guardValue is a value of a port guard as the kernel has it: a range, of one value where both ends are equal.
func guardValue(kind nftables.SetDatatype, text string) (low, high []byte, err error) {
	switch kind.Name {
	case nftables.TypeEtherType.Name:
		v := map[string][]byte{"8021q": {0x81, 0}, "8021ad": {0x88, 0xa8}, "arp": {8, 6}, "ip": {8, 0}}[text]
		if v == nil {
			return nil, nil, fmt.Errorf("port guard: %q is not an Ethernet type", text)
		}
		return v, v, nil
	case nftables.TypeEtherAddr.Name:
		m, err := switchcore.ParseMAC(text)
		return m[:], m[:], err
	case nftables.TypeIPAddr.Name:
		p, err := netip.ParsePrefix(text)
		if err != nil {
			a, err := netip.ParseAddr(text)
			return a.AsSlice(), a.AsSlice(), err
		}
		first := binary.BigEndian.Uint32(p.Masked().Addr().AsSlice())
		return p.Masked().Addr().AsSlice(), binary.BigEndian.AppendUint32(nil, first|uint32(1<<(32-p.Bits())-1)), nil
	}
	first, last, ranged := strings.Cut(text, "-")
	if !ranged {
		last = first
	}
	a, err := strconv.ParseUint(first, 10, 16)
	if err != nil {
		return nil, nil, err
	}
	b, err := strconv.ParseUint(last, 10, 16)
	return binary.BigEndian.AppendUint16(nil, uint16(a)), binary.BigEndian.AppendUint16(nil, uint16(b)), err
}

// set makes an anonymous set of some values: of single ones, of ranges, or of ranges of two fields.
func (g *guardLoader) set(kinds []nftables.SetDatatype, values []string) (*nftables.Set, error) {
	set := &nftables.Set{Table: g.table, Anonymous: true, Constant: true, KeyType: kinds[0]}
	if len(kinds) > 1 {
		set.KeyType, set.Concatenation = nftables.MustConcatSetType(kinds...), true
	}
	var ranges [][2][]byte
	for _, v := range values {
		var low, high []byte
		for i, part := range strings.Split(v, " . ") {
			l, h, err := guardValue(kinds[i], part)
			if err != nil {
				return nil, err
			}
			set.Interval = set.Interval || !slices.Equal(l, h)
			pad := make([]byte, (4-len(l)%4)%4*min(1, len(kinds)-1)) // fields of a concatenation begin at registers
			low, high = slices.Concat(low, l, pad), slices.Concat(high, h, pad)
		}
		ranges = append(ranges, [2][]byte{low, high})
	}
	var list []nftables.SetElement
	switch {
	case set.Concatenation && set.Interval:
		for _, r := range ranges {
			list = append(list, nftables.SetElement{Key: r[0], KeyEnd: r[1]})
		}
	case set.Interval:
		list = intervals(ranges)
	default:
		for _, r := range ranges {
			list = append(list, nftables.SetElement{Key: r[0]})
		}
	}
	return set, g.conn.AddSet(set, list)
}

// intervals are the elements of a set of ranges: where each begins, and where what is not in it does
// (nft_set_rbtree.c).
func intervals(ranges [][2][]byte) []nftables.SetElement {
	slices.SortFunc(ranges, func(a, b [2][]byte) int { return slices.Compare(a[0], b[0]) })
	var list []nftables.SetElement
	if zero := make([]byte, len(ranges[0][0])); !slices.Equal(ranges[0][0], zero) {
		list = append(list, nftables.SetElement{Key: zero, IntervalEnd: true})
	}
	var behind []byte // the range before
	for i, r := range ranges {
		if !slices.Equal(r[0], behind) { // nft joins ranges that touch
			list = append(list, nftables.SetElement{Key: r[0]})
		}
		behind = slices.Clone(r[1])
		for k := len(behind) - 1; k >= 0; k-- {
			if behind[k]++; behind[k] != 0 {
				break
			}
		}
		// there is nothing behind the last value
		all := !slices.ContainsFunc(behind, func(b byte) bool { return b != 0 })
		if !all && (i+1 == len(ranges) || !slices.Equal(ranges[i+1][0], behind)) {
			list = append(list, nftables.SetElement{Key: behind, IntervalEnd: true})
		}
	}
	return list
}
