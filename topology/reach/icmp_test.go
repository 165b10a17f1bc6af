package reach

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"
)

// packet4 wraps an ICMP message in an IPv4 header from 10.0.0.9.
func packet4(icmp []byte) []byte {
	return append([]byte{0x45, 0, 0, 0, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 9, 10, 0, 0, 1}, icmp...)
}

func TestParse4(t *testing.T) {
	cookie := [8]byte{1, 2, 3, 4, 5, 6, 7, 8}
	const key = 0x11223344
	request := make([]byte, echoLen)
	putEcho(request, false, key, cookie)
	if checksum(request) != 0 {
		t.Error("the checksum of an echo request is wrong")
	}
	with := func(typ, code byte) []byte {
		b := append([]byte(nil), request...)
		b[0], b[1] = typ, code
		return b
	}
	quoting := func(typ, code byte, inner []byte) []byte {
		return append([]byte{typ, code, 0, 0, 10, 0, 0, 7}, packet4(inner)...)
	}
	stranger := with(reply4, 0)
	stranger[8]++
	for _, c := range []struct {
		name string
		icmp []byte
		ok   bool
		kind eventKind
	}{
		{"reply", with(reply4, 0), true, gotReply},
		{"a stranger's reply", stranger, false, 0},
		{"a request", request, false, 0},
		{"host unreachable", quoting(3, 1, request), true, gotError},
		{"quoting eight bytes", quoting(3, 1, request[:8]), true, gotError},
		{"quoting too little", quoting(3, 1, request[:7]), false, 0},
		{"an error about a reply", quoting(3, 1, with(reply4, 0)), false, 0},
		{"redirect", quoting(5, 1, request), true, gotRedirect},
		{"a redirect of a reply", quoting(5, 1, with(reply4, 0)), true, gotRedirect},
	} {
		ev, ok := parse4(packet4(c.icmp), cookie)
		if ok != c.ok || ok && (ev.kind != c.kind || ev.key != key || ev.from != addr("10.0.0.9")) {
			t.Errorf("%s: got %+v, %v", c.name, ev, ok)
		}
		if c.kind == gotRedirect && (ev.gateway != addr("10.0.0.7") || ev.ofReply != (c.name == "a redirect of a reply")) {
			t.Errorf("%s: got %+v", c.name, ev)
		}
	}
}

func TestParse6(t *testing.T) {
	cookie := [8]byte{1, 2, 3, 4, 5, 6, 7, 8}
	const key = 0x11223344
	request := make([]byte, echoLen)
	putEcho(request, true, key, cookie)
	reply := append([]byte{reply6}, request[1:]...)
	quoted := make([]byte, 40, 40+echoLen)
	quoted[0], quoted[6] = 0x60, 58
	quoted = append(quoted, request...)
	redirect := make([]byte, 40)
	redirect[0] = redirect6
	redirect = append(redirect, 2, 1, 0, 0, 0, 0, 0, 0, 4, byte((len(quoted)+8)/8), 0, 0, 0, 0, 0, 0)
	redirect = append(redirect, quoted...)
	from := addr("fd00::9")
	for _, c := range []struct {
		name string
		b    []byte
		kind eventKind
	}{
		{"reply", reply, gotReply},
		{"address unreachable", append([]byte{unreach6, 3, 0, 0, 0, 0, 0, 0}, quoted...), gotError},
		{"redirect", redirect, gotRedirect},
	} {
		if ev, ok := parse6(c.b, from, cookie); !ok || ev.kind != c.kind || ev.key != key || ev.from != from {
			t.Errorf("%s: got %+v, %v", c.name, ev, ok)
		}
	}
}

// FuzzParse: whatever a node is sent, reading it ends without a panic.
func FuzzParse(f *testing.F) {
	b := make([]byte, echoLen)
	putEcho(b, false, 1, [8]byte{})
	f.Add(packet4(append([]byte{5, 1, 0, 0, 10, 0, 0, 7}, packet4(b)...)))
	f.Add(binary.BigEndian.AppendUint64([]byte{redirect6}, 0))
	f.Fuzz(func(_ *testing.T, b []byte) {
		parse4(b, [8]byte{})
		parse6(b, addr("fd00::1"), [8]byte{})
		markOf(b, [8]byte{})
		arpReply(b)
	})
}

func TestChecksumOfOddLength(t *testing.T) {
	if got, want := checksum([]byte{0x12, 0x34, 0x56}), ^uint16(0x1234+0x5600); got != want {
		t.Errorf("%04x, want %04x", got, want)
	}
}

// TestErrorsTellTheMTU: of the next hop, and also where a fragment is quoted.
func TestErrorsTellTheMTU(t *testing.T) {
	const key = 0x12345678
	cookie := [8]byte{1, 2, 3, 4, 5, 6, 7, 8}
	request := make([]byte, 1480)
	putEcho(request, true, key, cookie)
	quoted := make([]byte, 40, 40+8+len(request))
	quoted[0], quoted[6] = 0x60, 58
	whole := append(slices.Clone(quoted), request...)
	quoted[6] = 44
	first := append(append(slices.Clone(quoted), 58, 0, 0, 1, 0, 0, 0, 9), request...)
	second := append(append(slices.Clone(quoted), 58, 0, 5, 0xa8, 0, 0, 0, 9), request...)
	big := []byte{tooBig6, 0, 0, 0, 0, 0, 5, 0x78}
	for _, c := range []struct {
		name string
		b    []byte
		want bool
	}{{"whole", whole, true}, {"first fragment", first, true}, {"second fragment", second, false}} {
		ev, ok := parse6(append(slices.Clone(big), c.b...), addr("fd00::1"), cookie)
		if ok != c.want || ok && (ev.key != key || ev.mtu != 1400) {
			t.Errorf("%s: %+v, %v", c.name, ev, ok)
		}
	}
	putEcho(request, false, key, cookie)
	inner := packet4(request)
	for _, c := range []struct {
		offset byte
		want   bool
	}{{0, true}, {185, false}} {
		inner[7] = c.offset
		ev, ok := parse4(packet4(append([]byte{unreach4, fragNeeded4, 0, 0, 0, 0, 5, 0x78}, inner...)), cookie)
		if ok != c.want || ok && (ev.key != key || ev.mtu != 1400) {
			t.Errorf("offset %d: %+v, %v", c.offset, ev, ok)
		}
	}
}

// TestShortRepliesAreMarked as far as they have room; what is too short for ours is a stranger's.
func TestShortRepliesAreMarked(t *testing.T) {
	cookie := [8]byte{1, 2, 3, 4, 5, 6, 7, 8}
	for size := range 12 {
		b := make([]byte, echoHeader+size)
		putEcho(b, false, 1, cookie)
		b[0] = reply4
		if ev, ok := parse4(packet4(b), cookie); !ok || ev.marked != min(size, 8) {
			t.Errorf("size %d: %+v, %v", size, ev, ok)
		}
		if size > 0 {
			b[echoHeader+min(size, 8)-1] ^= 1
			if ev, ok := parse4(packet4(b), cookie); ok {
				t.Errorf("size %d: a stranger's is taken for ours: %+v", size, ev)
			}
		}
	}
	pr := &pair{sock: &echoSocket{}, dst: addr("10.0.0.1")}
	pr.event(event{kind: gotReply, from: addr("10.0.0.1"), marked: 4}, nil, time.Now())
	if pr.word != "" {
		t.Errorf("a reply of 4 bytes answers a ping of 56: %s", pr.word)
	}
}
