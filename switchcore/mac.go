package switchcore

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// MAC is an Ethernet address. The zero value means "none".
type MAC [6]byte

// ParseMAC reads six lower-case hex pairs with colons, as ip and vSphere print them.
func ParseMAC(s string) (MAC, error) {
	var m MAC
	if other, ok := OtherMAC(s); ok && other.String() != s {
		return m, fmt.Errorf("%q: a MAC address is written in lower case with colons; write %s", s, other)
	}
	if len(s) != 17 {
		return m, fmt.Errorf("%q is not a MAC address: want six hex pairs with colons, 00:50:56:00:00:01", s)
	}
	for i := range m {
		if i > 0 && s[3*i-1] != ':' {
			return MAC{}, fmt.Errorf("%q is not a MAC address: want six hex pairs with colons, 00:50:56:00:00:01", s)
		}
		if _, err := hex.Decode(m[i:i+1], []byte(s[3*i:3*i+2])); err != nil || strings.ToLower(s) != s {
			return MAC{}, fmt.Errorf("%q is not a MAC address: want six lower-case hex pairs with colons, "+
				"00:50:56:00:00:01",
				s)
		}
	}
	return m, nil
}

// OtherMAC reads a MAC address in the spellings of other systems, too: with dashes (00-50-56-AA-BB-CC), with dots
// (0050.56aa.bbcc), without any mark, in capitals.
func OtherMAC(s string) (MAC, bool) {
	var m MAC
	digits, group := make([]byte, 0, 12), 0
	for _, part := range strings.FieldsFunc(s, func(c rune) bool { return c == '-' || c == ':' || c == '.' }) {
		if group == 0 {
			group = len(part)
		}
		if len(part) != group || len(digits)+group > 12 {
			return m, false
		}
		digits = append(digits, part...)
	}
	marks := len(s) - len(digits)
	if len(digits) != 12 || group%2 != 0 || marks != 12/group-1 {
		return m, false
	}
	_, err := hex.Decode(m[:], digits)
	return m, err == nil
}

// IsZero reports whether m is none.
func (m MAC) IsZero() bool { return m == MAC{} }

// String is the address as six pairs of lower-case hexadecimal digits.
func (m MAC) String() string {
	const digits = "0123456789abcdef"
	var b [17]byte
	for i, v := range m {
		b[3*i], b[3*i+1] = digits[v>>4], digits[v&15]
		if i < 5 {
			b[3*i+2] = ':'
		}
	}
	return string(b[:])
}

// MarshalText is String; the zero address is empty.
func (m MAC) MarshalText() ([]byte, error) {
	if m.IsZero() {
		return nil, nil
	}
	return []byte(m.String()), nil
}

// UnmarshalText reads what MarshalText writes.
func (m *MAC) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*m = MAC{}
		return nil
	}
	*m, err = ParseMAC(string(b))
	return err
}

// addr is the address as a number.
func (m MAC) addr() uint64 {
	return uint64(binary.BigEndian.Uint16(m[:]))<<32 | uint64(binary.BigEndian.Uint32(m[2:]))
}
