//go:build linux

package pcap

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"labctl/cmd/labctl/wire"
)

// Line is a frame in one line, much as tcpdump has it: when, point, place, addresses, what it is, length, verdict.
func Line(c *wire.CapturedFrame) string {
	s := fmt.Sprintf("%s %-10s %s  %s, length %d", c.Time.Local().Format("15:04:05.000000"), c.Point, c.Name,
		DescribeFrame(c.Data), c.Length)
	if c.Verdict != "" {
		s += "  [" + c.Verdict + "]"
	}
	return s
}

// DescribeFrame says who speaks to whom, and of what.
func DescribeFrame(data []byte) string {
	p := gopacket.NewPacket(data, layers.LayerTypeEthernet, gopacket.DecodeOptions{Lazy: true, NoCopy: true})
	e, ok := p.LinkLayer().(*layers.Ethernet)
	if !ok {
		return fmt.Sprintf("no Ethernet frame: % x", data)
	}
	s := fmt.Sprintf("%s > %s", e.SrcMAC, e.DstMAC)
	for _, l := range p.Layers()[1:] {
		switch l := l.(type) {
		case *layers.Dot1Q:
			s += fmt.Sprintf(", vlan %d", l.VLANIdentifier)
			if l.Priority > 0 {
				s += fmt.Sprintf(" p %d", l.Priority)
			}
		case *layers.ARP:
			return s + ", " + describeARP(l)
		case *layers.IPv4:
			return s + ", " + describeIP(p, l.SrcIP.String(), l.DstIP.String(), l.Protocol)
		case *layers.IPv6:
			return s + ", " + describeIP(p, l.SrcIP.String(), l.DstIP.String(), l.NextHeader)
		}
	}
	return s + ", " + describeType(data)
}

func describeARP(a *layers.ARP) string {
	from, _ := netip.AddrFromSlice(a.SourceProtAddress)
	to, _ := netip.AddrFromSlice(a.DstProtAddress)
	switch a.Operation {
	case layers.ARPRequest:
		return fmt.Sprintf("ARP, who-has %s tell %s", to, from)
	case layers.ARPReply:
		return fmt.Sprintf("ARP, %s is-at %s", from, macText(a.SourceHwAddress))
	}
	return fmt.Sprintf("ARP, operation %d", a.Operation)
}

func macText(b []byte) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprintf("% x", b), " ", ":"), ":")
}

func describeIP(p gopacket.Packet, from, to string, proto layers.IPProtocol) string {
	addresses := from + " > " + to + ", "
	for _, l := range p.Layers() {
		switch l := l.(type) {
		case *layers.ICMPv4:
			return fmt.Sprintf("%sICMP %s, id %d, seq %d", addresses, lowerType(l.TypeCode.String()), l.Id, l.Seq)
		case *layers.ICMPv6:
			return addresses + "ICMPv6 " + lowerType(l.TypeCode.String())
		case *layers.TCP:
			return fmt.Sprintf("%s.%d > %s.%d, TCP %s", from, l.SrcPort, to, l.DstPort, flagsOf(l))
		case *layers.UDP:
			return fmt.Sprintf("%s.%d > %s.%d, UDP", from, l.SrcPort, to, l.DstPort)
		}
	}
	return addresses + proto.String()
}

// lowerType makes of gopacket's EchoRequest what tcpdump says.
func lowerType(s string) string {
	var b strings.Builder
	for i, r := range s {
		if r >= 'A' && r <= 'Z' {
			if i > 0 && s[i-1] >= 'a' && s[i-1] <= 'z' {
				b.WriteByte(' ')
			}
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

func flagsOf(t *layers.TCP) string {
	s := ""
	for _, f := range []struct {
		set  bool
		name string
	}{{t.SYN, "S"}, {t.FIN, "F"}, {t.RST, "R"}, {t.PSH, "P"}, {t.ACK, "."}} {
		if f.set {
			s += f.name
		}
	}
	return "[" + s + "]"
}

// describeType names the EtherType behind all tags, or says that there is a length in its place (IEEE 802.3).
func describeType(data []byte) string {
	at := 12
	for at+4 <= len(data) {
		t := binary.BigEndian.Uint16(data[at:])
		if t != uint16(layers.EthernetTypeDot1Q) && t != uint16(layers.EthernetTypeQinQ) {
			break
		}
		at += 4
	}
	if at+2 > len(data) {
		return "nothing"
	}
	t := binary.BigEndian.Uint16(data[at:])
	switch {
	case t < 0x600 && at+5 <= len(data):
		return fmt.Sprintf("802.3, LLC %02x %02x", data[at+2], data[at+3])
	case t == 0x8035:
		return "RARP"
	case layers.EthernetType(t).String() == "UnknownEthernetType" ||
		layers.EthernetType(t).LayerType() == gopacket.LayerTypeZero:
		return fmt.Sprintf("ethertype 0x%04x", t)
	}
	return fmt.Sprintf("%s (0x%04x)", layers.EthernetType(t), t)
}

// DescribePacket says who speaks to whom, of a packet without its Ethernet header. Without an EtherType, as iptables
// logs what the host itself sends, the version tells.
func DescribePacket(etherType uint16, data []byte) string {
	if etherType == 0 && len(data) > 0 {
		etherType = map[byte]uint16{4: uint16(layers.EthernetTypeIPv4), 6: uint16(layers.EthernetTypeIPv6)}[data[0]>>4]
	}
	var first gopacket.Decoder
	switch layers.EthernetType(etherType) {
	case layers.EthernetTypeIPv4:
		first = layers.LayerTypeIPv4
	case layers.EthernetTypeIPv6:
		first = layers.LayerTypeIPv6
	case layers.EthernetTypeARP:
		first = layers.LayerTypeARP
	default:
		return describeType(binary.BigEndian.AppendUint16(make([]byte, 12, 14), etherType))
	}
	p := gopacket.NewPacket(data, first, gopacket.DecodeOptions{NoCopy: true})
	if p.ErrorLayer() == nil || len(p.Layers()) > 2 { // only the beginning was copied: the last layer may be cut short
		switch l := p.Layers()[0].(type) {
		case *layers.IPv4:
			return describeIP(p, l.SrcIP.String(), l.DstIP.String(), l.Protocol)
		case *layers.IPv6:
			return describeIP(p, l.SrcIP.String(), l.DstIP.String(), l.NextHeader)
		case *layers.ARP:
			return describeARP(l)
		}
	}
	return fmt.Sprintf("ethertype 0x%04x, % x", etherType, data)
}
