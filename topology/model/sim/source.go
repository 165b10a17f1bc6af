package sim

// validSource decides whether a packet may have come from its source by that interface: fib_validate_source and
// __fib_validate_source, net/ipv4/fib_frontend.c (RFC 3704). Out is the interface by which it will leave, nil for one
// that stays. onLink says that the source is reached directly there.
func (n *node) validSource(in, out *device, src, dst uint32) (onLink, valid bool) {
	filter := in.conf.rpFilter
	if !n.ruled && filter == 0 && (out != in || !in.conf.sendRedirects) {
		return false, in.conf.acceptLocal || !n.owns(src)
	}
	back := flow{src: dst, dst: src, in: out}
	r, no := n.lookup(back)
	if no != granted {
		return false, filter == 0
	}
	if r.typ != routeUnicast && (r.typ != routeLocal || !in.conf.acceptLocal) {
		return false, false
	}
	if r.dev == in {
		return r.onLink, true
	}
	switch {
	case len(in.addrs) == 0:
		return false, filter == 0
	case filter == 1:
		return false, false
	}
	back.out = in
	if r, no := n.lookup(back); no == granted && r.typ == routeUnicast {
		return r.onLink, true
	}
	return false, true
}
