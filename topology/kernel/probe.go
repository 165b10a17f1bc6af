//go:build linux

package kernel

import (
	"errors"
	"fmt"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"labctl/topology"
)

// Finding is one thing that labs need. Needed: without it there are no labs at all; otherwise only some labs want it.
type Finding struct {
	What   string `json:"what"`
	OK     bool   `json:"ok"`
	Needed bool   `json:"needed"`
	Detail string `json:"detail,omitempty"`
	Cure   string `json:"cure,omitempty"`
}

// Probe tries out what the kernel has. Its process must live in a network namespace of its own, which it litters.
func Probe() []Finding {
	if f := able("capabilities", ableCapabilities()); !f.OK {
		return []Finding{f} // all else would fail too, and for want of nothing else
	}
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return []Finding{{What: "rtnetlink", Needed: true, Detail: err.Error(), Cure: "a kernel with CONFIG_NET"}}
	}
	defer h.Close()
	link := func(what string, needed bool, cure string, l netlink.Link) Finding {
		err := h.LinkAdd(l)
		return finding(what, needed, cure, err)
	}
	attrs := func(name string) netlink.LinkAttrs {
		a := netlink.NewLinkAttrs()
		a.Name = name
		return a
	}
	out := []Finding{
		able("capabilities", nil),
		able("mounts", ableMounts()),
		able("sysctls of network namespaces", ableSysctls()),
		link("veth pairs", true, "sudo modprobe veth", &netlink.Veth{LinkAttrs: attrs("v0"), PeerName: "v1"}),
		link("bridges", true, "sudo modprobe bridge", &netlink.Bridge{LinkAttrs: attrs("b0")}),
	}
	parent := 0
	if l, err := h.LinkByName("v0"); err == nil {
		parent = l.Attrs().Index
	}
	other := 0 // what has a macvlan takes no ipvlan
	if l, err := h.LinkByName("v1"); err == nil {
		other = l.Attrs().Index
	}
	onOther := func(name string) netlink.LinkAttrs { a := attrs(name); a.ParentIndex = other; return a }
	under := func(name string) netlink.LinkAttrs { a := attrs(name); a.ParentIndex = parent; return a }
	out = append(out,
		link("macvlan", false, "sudo modprobe macvlan",
			&netlink.Macvlan{LinkAttrs: under("m0"), Mode: netlink.MACVLAN_MODE_BRIDGE}),
		link("macvtap", false, "sudo modprobe macvtap",
			&netlink.Macvtap{Macvlan: netlink.Macvlan{LinkAttrs: under("m1"), Mode: netlink.MACVLAN_MODE_BRIDGE}}),
		link("VLAN interfaces", false, "sudo modprobe 8021q, or a kernel with CONFIG_VLAN_8021Q",
			&netlink.Vlan{LinkAttrs: under("x0"), VlanId: 10, VlanProtocol: netlink.VLAN_PROTOCOL_8021Q}),
		link("ipvlan", false, "sudo modprobe ipvlan, or a kernel with CONFIG_IPVLAN",
			&netlink.IPVlan{LinkAttrs: onOther("i0"), Mode: netlink.IPVLAN_MODE_L2}),
		link("VXLAN interfaces", false, "sudo modprobe vxlan, or a kernel with CONFIG_VXLAN",
			&netlink.Vxlan{LinkAttrs: attrs("vx0"), VxlanId: 1, Port: topology.VXLANPort, UDPCSum: true}),
		finding("bridge VLAN filtering", false, "a kernel with CONFIG_BRIDGE_VLAN_FILTERING", probeFiltering(h)),
		present("bridge netfilter (iptables on bridges)", "sudo modprobe br_netfilter",
			"/proc/sys/net/bridge/bridge-nf-call-iptables"),
		present("ICMP message limits per namespace",
			"Linux 6.12 or newer; before it, many errors at once may be swallowed",
			"/proc/sys/net/ipv4/icmp_msgs_per_sec"),
		present("IPv6", "boot without ipv6.disable=1", "/proc/sys/net/ipv6/conf/all/disable_ipv6"),
		rawSocket(),
	)
	return out
}

// able is about something that every lab needs, whose error knows its cure.
func able(what string, err error) Finding {
	f := finding(what, true, "", err)
	var u unable
	if errors.As(err, &u) {
		f.Detail, f.Cure = u.why, u.cure
	}
	return f
}

func finding(what string, needed bool, cure string, err error) Finding {
	f := Finding{What: what, Needed: needed, OK: err == nil}
	if err != nil {
		f.Detail, f.Cure = err.Error(), cure
	}
	return f
}

func present(what, cure, path string) Finding {
	_, err := os.Stat(path)
	return finding(what, false, cure, err)
}

// HasVLANFiltering reports whether bridges of this kernel can filter VLANs, by trying one in the calling thread's
// namespace.
func probeFiltering(h *netlink.Handle) error {
	b, err := h.LinkByName("b0")
	if err != nil {
		return err
	}
	if err := h.BridgeSetVlanFiltering(b, true); err != nil {
		return err
	}
	// Without the option the kernel takes the attribute and ignores it, so only reading it back tells.
	if b, err = h.LinkByName("b0"); err != nil {
		return err
	}
	if br, ok := b.(*netlink.Bridge); ok && br.VlanFiltering != nil && *br.VlanFiltering {
		return nil
	}
	return errors.New("the kernel ignores it")
}

func rawSocket() Finding {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		unix.Close(fd)
	} else {
		err = fmt.Errorf("AF_PACKET: %w", err)
	}
	return finding("packet sockets", true, "a kernel with CONFIG_PACKET", err)
}
