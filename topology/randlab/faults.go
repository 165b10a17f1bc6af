package randlab

import "fmt"

// fault is something that goes wrong in a lab, or that one would take for it. It reports whether it could be done.
type fault struct {
	feature string
	do      func(d *drawing) bool
}

// faults spoils the lab: once or twice, or in many ways at once.
func (d *drawing) faults() {
	all := []fault{
		{OwnRoute, (*drawing).ownRoute}, {WrongMask, (*drawing).wrongMask}, {RPFilter, (*drawing).reversePath},
		{ARPKnobs, (*drawing).arpKnobs}, {NoForwarding, (*drawing).noForwarding}, {Poisoned, (*drawing).poisoned},
		{LinkDown, (*drawing).linkDown}, {SmallMTU, (*drawing).smallMTU}, {Rules, (*drawing).rules},
		{BridgeRules, (*drawing).bridgeRules}, {StaticFDB, (*drawing).staticFDB}, {Twice, (*drawing).twice},
		{Ghost, (*drawing).ghosts}, {ForgedMAC, (*drawing).forgedMAC},
	}
	n := 3 + d.IntN(3)
	if !d.mostly {
		n = 6 + d.IntN(4)
	}
	d.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for _, f := range all {
		if n == 0 {
			return
		}
		if f.do(d) {
			d.has[f.feature] = true
			n--
		}
	}
}

// free is a host whose NIC is its own; nil if there is none.
func (d *drawing) free() *node {
	hosts := d.hosts()
	for _, i := range d.Perm(len(hosts)) {
		if !hosts[i].uplinked {
			return hosts[i]
		}
	}
	return nil
}

// any is a host.
func (d *drawing) any() *node { return pick(d, d.hosts()...) }

func (d *drawing) ownRoute() bool {
	h, to := d.any(), d.any()
	if h == to {
		return false
	}
	h.routes[to.seg.ip(to.addr)+"/32"] = "{type: " + pick(d, "blackhole", "unreachable", "prohibit") + "}"
	return true
}

// wrongMask gives a host a longer or shorter prefix; the gateway stays on its network.
func (d *drawing) wrongMask() bool {
	h := d.free()
	if h == nil || len(h.routes) > 0 && !d.v6 && h.routes["default"] == "" {
		return false
	}
	length := pick(d, 23, 16, 25, 25)
	if length == 25 && (h.addr >= 128) != (250 >= 128) { // its gateway would be elsewhere
		for dst := range h.routes {
			delete(h.routes, dst)
		}
	}
	for dst, via := range h.routes {
		if dst != "default" && length < 24 && via[0] != '{' {
			delete(h.routes, dst) // it may be the network of the interface now
		}
	}
	nic := h.iface("eth0")
	delete(nic, "ip")
	h.address("eth0", fmt.Sprintf("%s/%d", h.seg.ip(h.addr), length))
	if d.v6 {
		h.address("eth0", h.seg.ip6(h.addr)+"/64")
	}
	return true
}

func (d *drawing) reversePath() bool {
	for _, n := range d.nodes {
		if (n.kind == "router" || n.kind == "") && d.IntN(2) == 0 {
			n.sysctls["rp_filter"] = pick(d, "1", "1", "2")
		}
	}
	return true
}

func (d *drawing) arpKnobs() bool {
	h := d.any()
	switch d.IntN(4) {
	case 0:
		h.sysctls["arp_filter"] = "1"
	case 1:
		if r := d.router(1); r != nil {
			r.sysctls["proxy_arp"] = "1"
			return true
		}
		fallthrough
	default:
		h.sysctls["arp_ignore"] = pick(d, "1", "2", "8")
	}
	return true
}

func (d *drawing) noForwarding() bool {
	r := d.router(1 + d.IntN(2))
	if r == nil {
		return false
	}
	r.sysctls["ip_forward"] = "0"
	return true
}

func (d *drawing) poisoned() bool {
	h, of := d.free(), d.any()
	if h == nil || h == of || h.seg != of.seg {
		return false
	}
	h.keys["neigh"] = fmt.Sprintf("{%s: %q}", of.seg.ip(of.addr), "02:00:00:00:00:"+pick(d, "66", "77"))
	return true
}

func (d *drawing) linkDown() bool {
	h := d.free()
	if h == nil || len(h.routes) > 0 {
		return false
	}
	h.iface("eth0")["up"] = "false"
	return true
}

func (d *drawing) smallMTU() bool {
	h := d.free()
	if h == nil {
		return false
	}
	h.iface("eth0")["mtu"] = "1400"
	return true
}

// rules has a host or a router refuse echo requests, all or those of one sender.
func (d *drawing) rules() bool {
	at, from := d.any(), d.any()
	chain := pick(d, "INPUT", "OUTPUT")
	if r := d.router(1); r != nil && d.IntN(2) == 0 {
		at, chain = r, "FORWARD"
	}
	rule := "-A " + chain + " -p icmp"
	if d.IntN(2) == 0 {
		rule += " -s " + from.seg.ip(from.addr)
	}
	if d.IntN(2) == 0 {
		rule += " --icmp-type " + pick(d, "echo-request", "echo-reply")
	}
	rule += " -j " + pick(d, "DROP", "DROP", "REJECT", "REJECT --reject-with icmp-admin-prohibited")
	at.keys["rules"] = "{fw: {iptables: " + quoted(rule+" # refused") + "}}"
	return true
}

// bridgeRules has a bridge drop what is for one of its hosts.
func (d *drawing) bridgeRules() bool {
	for _, s := range d.segments {
		b := s.core[0]
		if b.kind != "bridge" {
			continue
		}
		match := pick(d, "ether type arp arp operation request", "ether type arp arp operation reply",
			"ip protocol icmp")
		if h := pick(d, s.hosts...); h.at == b && d.IntN(2) == 0 {
			match += " iifname " + quoted(h.port)
		}
		b.keys["rules"] = "{bf: {nft: " + quoted("table bridge mine { chain f { type filter hook forward priority 0; "+
			match+" counter drop; }; }") + "}}"
		return true
	}
	return false
}

// staticFDB has a bridge send what is for one host to the port of another.
func (d *drawing) staticFDB() bool {
	for _, s := range d.segments {
		for i, h := range s.hosts[1:] {
			if other := s.hosts[i]; other.at == h.at && h.at.kind == "bridge" && !h.uplinked {
				h.at.keys["fdb"] = fmt.Sprintf("{%s: %s}", h.name, other.port)
				return true
			}
		}
	}
	return false
}

// twice gives two hosts of a segment one more address, the same.
func (d *drawing) twice() bool {
	s := pick(d, d.segments...)
	if len(s.hosts) < 2 || s.hosts[0].uplinked || s.hosts[1].uplinked {
		return false
	}
	d.shared = s.ip(240)
	for _, h := range s.hosts[:2] {
		h.address("eth0", d.shared+"/24")
	}
	return true
}

func (d *drawing) ghosts() bool {
	d.ghost = pick(d, d.segments...).ip(249)
	return true
}

func (d *drawing) forgedMAC() bool {
	h := d.free()
	if h == nil {
		return false
	}
	h.iface("eth0")["effective_mac"] = quoted("02:00:00:00:00:55")
	return true
}
