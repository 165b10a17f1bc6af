//go:build linux

package datapath

import (
	"encoding/binary"

	"labctl/switchcore"
)

// The header in front of every frame that a packet socket or a TAP hands over (struct virtio_net_hdr of
// linux/virtio_net.h, in the machine's byte order): flags, kind of segmentation, header length, segment size, where a
// checksum starts, where it goes.
const (
	vnetLen   = 10
	macsLen   = 12
	tagLen    = 4
	headerLen = 14
	headLen   = 12 + macsLen + tagLen // of a front that is written again, with the longer of the headers that a TAP has

	typeVLAN = 0x8100

	needsChecksum = 1 // VIRTIO_NET_HDR_F_NEEDS_CSUM
	dataValid     = 2 // VIRTIO_NET_HDR_F_DATA_VALID

	gsoTCP4 = 1
	gsoUFO  = 3
	gsoTCP6 = 4
	gsoUDP  = 5
	gsoECN  = 0x80
)

// field is a number of 16 bits in the header.
func field(h []byte, at int) int       { return int(binary.NativeEndian.Uint16(h[at:])) }
func setField(h []byte, at int, v int) { binary.NativeEndian.PutUint16(h[at:], uint16(v)) }

// fixHeader makes the header of a received frame fit to be sent with it: a checksum that was found good is nothing to
// tell, and the kernel refuses a header length that is longer than the frame (net/packet/af_packet.c,
// __packet_snd_vnet_parse) while what it reports is only the length of the first fragment (virtio_net_hdr_from_skb).
func fixHeader(h []byte, frame int) {
	h[0] &^= dataValid
	if field(h, 2) > frame {
		setField(h, 2, frame)
	}
}

// moveOffsets moves what the header says of positions, for a tag that was put in front of them or taken away. A wrong
// position would put the checksum into the middle of somebody's data.
func moveOffsets(h []byte, by int) {
	if h[0]&needsChecksum != 0 {
		setField(h, 6, field(h, 6)+by)
	}
	if h[1] != 0 {
		setField(h, 2, field(h, 2)+by)
	}
}

// segment is the longest payload of the frames into which one is cut, 0 if it is not cut; its outermost tag is not
// payload. Of the headers in front of the transport's it takes the end from where the checksum starts, as every kind of
// segmentation has one that is still open.
func segment(h, data []byte, beside bool) int {
	if h[1] == 0 {
		return 0
	}
	start, size := field(h, 6), field(h, 4)
	payload := start - headerLen + size
	switch h[1] &^ gsoECN {
	case gsoTCP4, gsoTCP6:
		if start+13 <= len(data) {
			payload += int(data[start+12]>>4) * 4
		}
	case gsoUDP:
		payload += 8
	case gsoUFO: // pieces of an IP packet, the size is without the IP header
		return size + 20
	}
	if !beside && tagged(data) {
		payload -= tagLen
	}
	return payload
}

// tagged tells whether the outermost tag is an 802.1Q tag inside the frame.
func tagged(data []byte) bool {
	return len(data) >= macsLen+tagLen && binary.BigEndian.Uint16(data[macsLen:]) == typeVLAN
}

// insertTag puts a tag of the given type into raw, which is a header and a frame at offset at of buf, by moving what is
// in front of it. It returns the offset of the longer raw. At least four bytes must be free in front.
func insertTag(buf []byte, at int, tpid, tci uint16) int {
	moveOffsets(buf[at:], tagLen)
	copy(buf[at-tagLen:], buf[at:at+vnetLen+macsLen])
	tag := buf[at-tagLen+vnetLen+macsLen:]
	binary.BigEndian.PutUint16(tag, tpid)
	binary.BigEndian.PutUint16(tag[2:], tci)
	return at - tagLen
}

// rewrite composes how a frame leaves: with the outermost tag that out wants in place of the one it came with. raw is
// its header and data as they came; beside means that its outermost tag is not in there. When nothing differs it
// returns n = 0, and raw is to be sent as it is; else the first n bytes of head and then raw from rest. The frame must
// have at least 14 bytes.
func rewrite(head *[headLen]byte, raw []byte, beside bool, out switchcore.Output) (n, rest int) {
	strip := 0
	if !beside && tagged(raw[vnetLen:]) {
		strip = tagLen
	}
	if !out.Tagged && strip == 0 {
		return 0, 0
	}
	rest = vnetLen + macsLen
	if strip > 0 && out.Tagged && binary.BigEndian.Uint16(raw[rest+2:]) == out.TCI {
		return 0, 0
	}
	n = copy(head[:], raw[:rest])
	if out.Tagged {
		binary.BigEndian.PutUint16(head[n:], typeVLAN)
		binary.BigEndian.PutUint16(head[n+2:], out.TCI)
		n += tagLen
	}
	moveOffsets(head[:], n-rest-strip)
	return n, rest + strip
}

// copyFrame writes a frame with the tag beside it put in, as far as there is room, and returns how much.
func copyFrame(to, raw []byte, tagged bool, tci uint16) int {
	data := raw[vnetLen:]
	if !tagged || len(data) < macsLen || len(to) < macsLen+tagLen {
		return copy(to, data)
	}
	n := copy(to, data[:macsLen])
	to[n], to[n+1], to[n+2], to[n+3] = typeVLAN>>8, typeVLAN&0xff, byte(tci>>8), byte(tci)
	n += tagLen
	return n + copy(to[n:], data[macsLen:])
}
