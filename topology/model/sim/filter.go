package sim

// hook is a place where rules meet packets (linux/netfilter.h).
type hook int

const (
	hookPre hook = iota // a bridge's prerouting
	hookLocal
	hookPrerouting
	hookInput
)

// mayDiffer notes that a node has taken something in which may do with it what the model does not know.
func (n *node) mayDiffer() {
	if n.foreign != "" {
		n.w.doubt(Run, "%s", n.foreign)
	}
}

// meets notes that something has met rules.
func (n *node) meets() {
	if n.filter != nil {
		n.w.doubt(Rules, "%s has rules: %s", n.name, n.filter.unread)
	}
}

func (b *bridge) passes(p *device, f *frame, h hook) bool {
	p.node.meets()
	return true
}

func (b *bridge) passesThrough(from, to *device, f *frame) bool {
	to.node.meets()
	return true
}

func (b *bridge) passesOut(to *device, f *frame) bool {
	to.node.meets()
	return true
}

func (n *node) ingress(d *device, f frame) frame {
	n.meets()
	return f
}

func (n *node) egress(d *device, f frame) frame {
	n.meets()
	return f
}

func (n *node) passesARP(d *device, f *frame) bool {
	n.meets()
	return true
}

func (n *node) passesARPOut(d *device, f *frame) bool {
	n.meets()
	return true
}

func (n *node) passesIP(d *device, f *frame, p packet, h hook) (packet, bool) {
	n.meets()
	return p, false
}

func (n *node) passesForward(in, out *device, f *frame, p packet) packet {
	n.meets()
	return p
}

func (n *node) passesOutput(out *device, p packet) (packet, bool) {
	n.meets()
	return p, false
}

func (n *node) passesPostrouting(out *device, o outgoing) packet {
	n.meets()
	return o.p
}
