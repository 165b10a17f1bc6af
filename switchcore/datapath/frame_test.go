//go:build linux

package datapath

import (
	"bytes"
	"encoding/binary"
	"testing"

	"labctl/switchcore"
)

// raw is a header and a frame: addresses, then what is given, with a checksum that starts at start unless that is 0.
func raw(gso byte, size, start int, rest ...byte) []byte {
	b := make([]byte, vnetLen, vnetLen+macsLen+len(rest))
	if start > 0 {
		b[0] = needsChecksum
		setField(b, 6, start)
		setField(b, 8, 16)
	}
	b[1] = gso
	setField(b, 4, size)
	if gso != 0 {
		setField(b, 2, start+20)
	}
	b = append(b, "DDDDDDSSSSSS"...)
	return append(b, rest...)
}

func sent(raw []byte, beside bool, out switchcore.Output) []byte {
	var head [headLen]byte
	n, rest := rewrite(&head, raw, beside, out)
	return append(head[:n:n], raw[rest:]...)
}

func TestTheOutermostTagIsReplaced(t *testing.T) {
	tag := func(tci uint16) switchcore.Output { return switchcore.Output{Tagged: true, TCI: tci} }
	for _, c := range []struct {
		name   string
		in     []byte
		beside bool
		out    switchcore.Output
		want   []byte
	}{
		{"none to none", raw(0, 0, 34, 8, 0, 1), false, switchcore.Output{}, raw(0, 0, 34, 8, 0, 1)},
		{"put in, the checksum's start moves", raw(0, 0, 34, 8, 0, 1), false, tag(0x2005), raw(0, 0, 38, 0x81, 0, 0x20, 5, 8, 0, 1)},
		{"put in, nothing open", raw(0, 0, 0, 8, 0, 1), false, tag(5), raw(0, 0, 0, 0x81, 0, 0, 5, 8, 0, 1)},
		{"put in, the header length of segments moves too", raw(gsoTCP4, 1448, 34, 8, 0, 1), false, tag(5), raw(gsoTCP4, 1448, 38, 0x81, 0, 0, 5, 8, 0, 1)},
		{"taken out", raw(gsoTCP6, 1448, 58, 0x81, 0, 0, 5, 0x86, 0xdd), false, switchcore.Output{}, raw(gsoTCP6, 1448, 54, 0x86, 0xdd)},
		{"another", raw(0, 0, 38, 0x81, 0, 0, 5, 8, 0), false, tag(6), raw(0, 0, 38, 0x81, 0, 0, 6, 8, 0)},
		{"the same", raw(0, 0, 38, 0x81, 0, 0, 5, 8, 0), false, tag(5), raw(0, 0, 38, 0x81, 0, 0, 5, 8, 0)},
		{"put before an inner one of another kind", raw(0, 0, 38, 0x88, 0xa8, 0, 5, 8, 0), false, tag(6), raw(0, 0, 42, 0x81, 0, 0, 6, 0x88, 0xa8, 0, 5, 8, 0)},
		{"only the outer of two is taken out", raw(0, 0, 42, 0x81, 0, 0, 5, 0x81, 0, 0, 6, 8, 0), false, switchcore.Output{}, raw(0, 0, 38, 0x81, 0, 0, 6, 8, 0)},
		{"what is beside it is outside of what is in it", raw(0, 0, 38, 0x81, 0, 0, 6, 8, 0), true, tag(5), raw(0, 0, 42, 0x81, 0, 0, 5, 0x81, 0, 0, 6, 8, 0)},
		{"and is all that is taken off", raw(0, 0, 38, 0x81, 0, 0, 6, 8, 0), true, switchcore.Output{}, raw(0, 0, 38, 0x81, 0, 0, 6, 8, 0)},
	} {
		in := bytes.Clone(c.in)
		if got := sent(c.in, c.beside, c.out); !bytes.Equal(got, c.want) {
			t.Errorf("%s:\n%x, want\n%x", c.name, got, c.want)
		}
		if !bytes.Equal(in, c.in) {
			t.Errorf("%s: the frame itself was changed, other copies of it are to come", c.name)
		}
	}
}

func TestNoLengthIsTooShort(t *testing.T) {
	whole := raw(gsoTCP4, 1448, 34, 0x81, 0, 0, 5, 8, 0, 1, 2, 3)
	for n := vnetLen; n <= len(whole); n++ {
		r := received{raw: whole[:n]}
		r.frame()
		if n >= vnetLen+headerLen {
			sent(whole[:n], false, switchcore.Output{})
			sent(whole[:n], false, switchcore.Output{Tagged: true, TCI: 1})
		}
		var to [8]byte
		copyFrame(to[:], whole[:n], true, 7)
	}
	short := received{raw: whole[:3]}
	if f := short.frame(); f.Data != nil {
		t.Error("half a header has made a frame")
	}
}

func TestATagThatIsNot8021QGoesBackIn(t *testing.T) {
	buf := append([]byte{9, 9, 9, 9}, raw(gsoTCP4, 1448, 34, 8, 0, 1)...)
	at := insertTag(buf, 4, 0x88a8, 0x0123)
	want := raw(gsoTCP4, 1448, 38, 0x88, 0xa8, 1, 0x23, 8, 0, 1)
	if at != 0 || !bytes.Equal(buf, want) {
		t.Errorf("at %d:\n%x, want\n%x", at, buf, want)
	}
}

func TestSegmentIsWhatAPieceCarries(t *testing.T) {
	tcp := func(gso byte, start, header int, front ...byte) []byte {
		b := raw(gso, 1448, start, front...)
		b = append(b, make([]byte, vnetLen+start+header-len(b))...)
		b[vnetLen+start+12] = byte(header / 4 << 4)
		return b
	}
	for _, c := range []struct {
		name string
		raw  []byte
		want int
	}{
		{"not cut", raw(0, 0, 34, 8, 0), 0},
		{"TCP over IPv4 with timestamps", tcp(gsoTCP4, 34, 32, 8, 0), 1500},
		{"with ECN", tcp(gsoTCP4|gsoECN, 34, 32, 8, 0), 1500},
		{"TCP over IPv6", tcp(gsoTCP6, 54, 20, 0x86, 0xdd), 1508},
		{"a tag in the frame is not payload", tcp(gsoTCP4, 38, 32, 0x81, 0, 0, 5, 8, 0), 1500},
		{"UDP", raw(gsoUDP, 1000, 34, 8, 0), 1028},
		{"fragments", raw(gsoUFO, 1480, 34, 8, 0), 1500},
		{"no room for a header", raw(gsoTCP4, 1448, 34, 8, 0), 1468},
	} {
		if got := segment(c.raw, c.raw[vnetLen:], false); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestCleanMakesAHeaderThatMayBeSent(t *testing.T) {
	h := raw(gsoTCP4, 1448, 34, 8, 0)
	h[0] |= dataValid
	setField(h, 2, 9000)
	fixHeader(h, 100)
	if h[0] != needsChecksum || field(h, 2) != 100 {
		t.Errorf("flags %d, header length %d", h[0], field(h, 2))
	}
}

func TestAWrittenTagIsInTheRecord(t *testing.T) {
	r := raw(0, 0, 0, 8, 0, 1)
	var to [64]byte
	n := copyFrame(to[:], r, true, 0x3064)
	want := raw(0, 0, 0, 0x81, 0, 0x30, 0x64, 8, 0, 1)[vnetLen:]
	if !bytes.Equal(to[:n], want) {
		t.Errorf("%x, want %x", to[:n], want)
	}
	if binary.BigEndian.Uint16(to[macsLen:]) != typeVLAN {
		t.Error("no tag")
	}
}
