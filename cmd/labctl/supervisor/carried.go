//go:build linux

package supervisor

import (
	"encoding/binary"

	"labctl/topology"
)

// tunnelPorts are the UDP ports by which a lab's VXLANs are reached.
func tunnelPorts(lab *topology.Lab) map[uint16]bool {
	out := map[uint16]bool{}
	for _, n := range lab.Nodes {
		for _, i := range n.Interfaces {
			if i.VXLAN != nil {
				out[uint16(i.VXLAN.DstPort)] = true
			}
		}
	}
	return out
}

// maxCarried is how many tunnels may be in each other.
const maxCarried = 8

// carried is the frame that a frame carries, through all VXLANs that are reached by these ports; the frame itself if it
// carries none. Of a packet in fragments it is found in the first.
func carried(frame []byte, ports map[uint16]bool) []byte {
	for range maxCarried {
		inner := payloadOfVXLAN(frame, ports)
		if inner == nil {
			break
		}
		frame = inner
	}
	return frame
}

// payloadOfVXLAN is the frame in a VXLAN packet (RFC 7348, section 5), or nil.
func payloadOfVXLAN(frame []byte, ports map[uint16]bool) []byte {
	ethertype, p := etherPayload(frame)
	const udp, header, vxlan, valid = 17, 8, 8, 0x08
	head := 0
	switch {
	case ethertype == 0x0800 && len(p) >= 20 && p[9] == udp && binary.BigEndian.Uint16(p[6:])&0x1fff == 0:
		head = int(p[0]&15) * 4
	case ethertype == 0x86dd && len(p) >= 40 && p[6] == udp:
		head = 40
	default:
		return nil
	}
	if len(p) < head+header+vxlan || !ports[binary.BigEndian.Uint16(p[head+2:])] || p[head+header]&valid == 0 {
		return nil
	}
	return p[head+header+vxlan:]
}

// etherPayload is the type of a frame and what follows it, behind a tag or not; 0 if it is cut off.
func etherPayload(frame []byte) (ethertype uint16, p []byte) {
	if len(frame) < 18 {
		return 0, nil
	}
	at := 12
	if binary.BigEndian.Uint16(frame[at:]) == 0x8100 {
		at += 4
	}
	return binary.BigEndian.Uint16(frame[at:]), frame[at+2:]
}
