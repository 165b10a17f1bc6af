package sim

import "labctl/switchcore"

// Where rules meet packets: the hooks of linux/netfilter.h in the order of the kernel's ways (nf_hook_slow). Rules of
// IPv4 meet what a bridge forwards through br_netfilter (br_nf_pre_routing, br_nf_forward_ip and br_nf_post_routing,
// net/bridge/br_netfilter_hooks.c).

// hook is one of the places where a packet is handed to rules before it is known where it goes, or where it ends.
type hook int

const (
	hookPre   hook = iota // a bridge's prerouting
	hookLocal             // a bridge's input
	hookPrerouting
	hookInput
)

// outcome is what rules decide.
type outcome struct {
	refused  bool
	rejected bool
	code     byte // of the ICMP error of a rejection
}

// mayDiffer notes that a node has taken something in which may do with it what the model does not know.
func (n *node) mayDiffer() {
	if n.foreign.Reason != "" {
		n.w.doubt(n.foreign.Reason, "%s", n.foreign.Why)
	}
}

// run hands a packet to the chains of a hook.
func (r *filter) run(family, hook string, m *meeting) (o outcome) {
	for _, fam := range []string{family, "inet"} {
		if fam == "inet" && family != "ip" {
			break
		}
		for _, c := range r.chains[hookAt{fam, hook}] {
			if c.device != "" && !(m.in != nil && m.in.name == c.device || m.out != nil && m.out.name == c.device) {
				continue
			}
			if o = r.chain(c, m, 0); o.refused {
				return o
			}
		}
	}
	return o
}

// maxRules is how many rules one packet may come to at a hook.
const maxRules = 1 << 16

// maxDepth is how deep chains may call each other (NF_TABLES: NFT_JUMP_STACK_SIZE).
const maxDepth = 16

// chain hands a packet to the rules of a chain that begins a hook; what comes to its end meets its policy.
func (r *filter) chain(c *chain, m *meeting, depth int) outcome {
	o, done := r.walk(c, m, depth)
	if !done && c.drops {
		return outcome{refused: true}
	}
	return o
}

// walk hands a packet to the rules of a chain. done: one of them has decided.
func (f *filter) walk(c *chain, m *meeting, depth int) (o outcome, done bool) {
	for _, r := range c.rules {
		if m.rules++; m.rules > maxRules {
			f.node.w.doubt(Rules, "%s has rules that have no end", f.node.name)
			return outcome{}, true
		}
		if !r.matched(m) {
			continue
		}
		if r.unread != "" {
			f.node.w.doubt(Rules, "%s has a rule that the model cannot read: %s", f.node.name, r.unread)
			continue
		}
		r.packets++
		switch r.verdict {
		case accepts:
			return outcome{}, true
		case drops:
			return outcome{refused: true}, true
		case rejects:
			return outcome{refused: true, rejected: true, code: r.code}, true
		case returns:
			return outcome{}, false
		case jumps:
			if depth < maxDepth {
				if o, done = f.walk(r.to, m, depth+1); done {
					return o, true
				}
			}
		case rewrites:
			m.f.rewrite(r.mac)
		}
	}
	return outcome{}, false
}

// matched reports whether a packet has all that a rule asks for, as far as the rule can be read.
func (r *rule) matched(m *meeting) bool {
	for _, match := range r.matches {
		if !match(m) {
			return false
		}
	}
	return true
}

// rewrite gives a frame another source.
func (f *frame) rewrite(mac switchcore.MAC) {
	data := append([]byte(nil), f.data...)
	copy(data[6:], mac[:])
	f.data = data
}

// ipOf is the IPv4 packet in a frame that rules of IPv4 meet on a bridge; nil if they do not meet it.
func (r *filter) ipOf(f *frame) packet {
	if !r.bridged || f.ethertype() != typeIP || f.tagged && !r.tagged {
		return nil
	}
	p, _ := parseIP(f)
	return p
}

// passes hands a frame that has come in by a port, or that goes up to the bridge device, to the rules.
func (b *bridge) passes(p *device, f *frame, h hook) bool {
	n := p.node
	if n.filter == nil {
		return true
	}
	if h == hookLocal {
		return !n.filter.run("bridge", "input", &meeting{f: f, p: ipIn(f), in: f.in}).refused
	}
	if n.filter.run("bridge", "prerouting", &meeting{f: f, p: ipIn(f), in: p}).refused {
		return false
	}
	if ip := n.filter.ipOf(f); ip != nil {
		n.filter.track(ip)
		f.isOnly = true
		m := &meeting{f: f, p: ip, in: p.master, physIn: p, state: n.filter.connectionOf(ip)}
		return !n.filter.run("ip", "prerouting", m).refused
	}
	return true
}

// ipIn is the IPv4 packet in a frame, for rules of bridges.
func ipIn(f *frame) packet {
	if f.ethertype() != typeIP {
		return nil
	}
	p, _ := parseIP(f)
	return p
}

// passesThrough hands a frame that a bridge forwards to the rules.
func (b *bridge) passesThrough(from, to *device, f *frame) bool {
	n := to.node
	if n.filter == nil {
		return true
	}
	if n.filter.run("bridge", "forward", &meeting{f: f, p: ipIn(f), in: from, out: to}).refused {
		return false
	}
	if ip := n.filter.ipOf(f); ip != nil && f.isOnly {
		br := to.master
		m := &meeting{f: f, p: ip, in: br, out: br, physIn: from, physOut: to, bridged: true,
			state: n.filter.connectionOf(ip)}
		o := n.filter.run("ip", "forward", m)
		if o.rejected {
			n.w.doubt(NotModelled, "%s rejects what its bridge forwards", n.name)
		}
		if o.refused || n.filter.run("ip", "postrouting", m).refused {
			return false
		}
		n.filter.confirm(ip)
	}
	return !n.filter.run("bridge", "postrouting", &meeting{f: f, p: ipIn(f), in: from, out: to}).refused
}

// passesOut hands a frame of the bridge device itself to the rules.
func (b *bridge) passesOut(to *device, f *frame) bool {
	n := to.node
	if n.filter == nil {
		return true
	}
	m := &meeting{f: f, p: ipIn(f), out: to}
	return !n.filter.run("bridge", "output", m).refused && !n.filter.run("bridge", "postrouting", m).refused
}

// ingress hands what an interface has received to the rules of family netdev.
func (n *node) ingress(d *device, f frame) frame {
	if n.filter != nil && n.filter.run("netdev", "ingress", &meeting{f: &f, p: ipIn(&f), in: d}).refused {
		return frame{}
	}
	return f
}

// egress hands what an interface is about to send to them.
func (n *node) egress(d *device, f frame) frame {
	if n.filter != nil && n.filter.run("netdev", "egress", &meeting{f: &f, p: ipIn(&f), out: d}).refused {
		return frame{}
	}
	return f
}

// passesARP hands an ARP packet that has come in to the rules of family arp.
func (n *node) passesARP(d *device, f *frame) bool {
	return n.filter == nil || !n.filter.run("arp", "input", &meeting{f: f, in: d}).refused
}

// passesARPOut hands them an ARP packet of the node's own.
func (n *node) passesARPOut(d *device, f *frame) bool {
	return n.filter == nil || !n.filter.run("arp", "output", &meeting{f: f, out: d}).refused
}

// passesIP hands an IPv4 packet that has come in to the rules. What has met them on a bridge does not meet those of
// prerouting again (ip_sabotage_in).
func (n *node) passesIP(d *device, f *frame, p packet, h hook) bool {
	if n.filter == nil {
		return true
	}
	if h == hookPrerouting {
		if f.isOnly {
			return true
		}
		n.filter.track(p)
		return !n.filter.run("ip", "prerouting", &meeting{f: f, p: p, in: d, state: n.filter.connectionOf(p)}).refused
	}
	o := n.filter.run("ip", "input", &meeting{f: f, p: p, in: d, state: n.filter.connectionOf(p)})
	if o.rejected {
		n.unreachable(outgoing{p: p, in: d}, icmpUnreachable, o.code)
	}
	if o.refused {
		return false
	}
	n.filter.confirm(p)
	return true
}

// passesForward hands a packet that is sent on to the rules.
func (n *node) passesForward(in, out *device, f *frame, p packet) bool {
	if n.filter == nil {
		return true
	}
	o := n.filter.run("ip", "forward", &meeting{f: f, p: p, in: in, out: out, state: n.filter.connectionOf(p)})
	if o.rejected {
		n.unreachable(outgoing{p: p, in: in}, icmpUnreachable, o.code)
	}
	return !o.refused
}

// passesOutput hands a packet of the node's own to the rules. A rejection is also told to the node itself.
func (n *node) passesOutput(out *device, p packet) bool {
	if n.filter == nil {
		return true
	}
	n.filter.track(p)
	o := n.filter.run("ip", "output", &meeting{p: p, out: out, state: n.filter.connectionOf(p)})
	if o.rejected && p.icmpType() == icmpEcho {
		n.w.reply(n, Echoed{Key: keyOf(p.body()), From: addr(p.src()), Error: true, Type: icmpUnreachable,
			Code: o.code})
	}
	return !o.refused
}

// passesPostrouting hands a packet that leaves to the rules.
func (n *node) passesPostrouting(out *device, o outgoing) bool {
	if n.filter == nil {
		return true
	}
	m := &meeting{p: o.p, in: o.in, out: out, state: n.filter.connectionOf(o.p)}
	if n.filter.run("ip", "postrouting", m).refused {
		return false
	}
	n.filter.confirm(o.p)
	return true
}

// refusing reports whether rules of the lab refuse packets.
func (w *World) refusing() bool {
	for _, n := range w.nodes {
		if n.filter != nil && n.filter.refuses {
			return true
		}
	}
	return false
}
