package switchcore

// stations are the addresses that the adapters at the ports have: what is delivered without learning, as a vSphere
// switch knows its virtual adapters from the host and not from their frames. IEEE 802.1Q 8.8.1 calls such entries
// static. An address holds in every VLAN that its port is in. Several ports may have one address; each of them gets
// what is sent to it.
type stations struct {
	index   table[int32] // address, in any VLAN -> first of its holders
	holders []holder
}

// holder is one of the ports that have an address.
type holder struct {
	p    *port
	next int32 // in stations.holders, or -1
}

// clear forgets all, and keeps the memory.
func (st *stations) clear() {
	st.index.clear()
	st.holders = st.holders[:0]
}

// add enters an address of p's adapter, behind others that have it.
func (st *stations) add(p *port, addr uint64) {
	n := int32(len(st.holders))
	st.holders = append(st.holders, holder{p, -1})
	e := st.index.find(keyOf(0, addr))
	if e == nil {
		st.index.put(keyOf(0, addr), n, 0)
		return
	}
	last := e.val
	for st.holders[last].next >= 0 {
		last = st.holders[last].next
	}
	st.holders[last].next = n
}

// first is the index of the first holder of an address, or -1.
func (st *stations) first(addr uint64) int32 {
	if e := st.index.find(keyOf(0, addr)); e != nil {
		return e.val
	}
	return -1
}
