package switchcore

import (
	"encoding/binary"
	"time"
)

// key is a VLAN id and an address in one word; 0 is none, as the zero address is never stored.
type key uint64

const addressBits = 1<<48 - 1

// keyOf is the key of an address, with VLAN 0 that of an address in whatever VLAN.
func keyOf(vlan uint16, addr uint64) key { return key(uint64(vlan)<<48 | addr) }

func (k key) vlan() uint16 { return uint16(k >> 48) }

func (k key) mac() MAC {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(k))
	return MAC(b[2:])
}

// table maps keys to values, with the time of the last refresh: open addressing with linear probing. Every frame looks
// up two addresses; a map of Go takes twice as long for that. The zero table is empty.
type table[V any] struct {
	slots []slot[V] // a power of two, at most half used: of what is not there, too, the search is short
	shift uint8
	n     int
}

// slot is one entry of a table, or room for one.
type slot[V any] struct {
	key key
	at  time.Duration
	val V
}

// home is where the search for a key begins: the upper bits of a product (Fibonacci hashing; Knuth, TAOCP 6.4).
func (t *table[V]) home(k key) int { return int(uint64(k) * 0x9e3779b97f4a7c15 >> (t.shift & 63)) }

// find returns the slot of k or nil; it is valid until the table changes.
func (t *table[V]) find(k key) *slot[V] {
	if t.n == 0 {
		return nil
	}
	mask := len(t.slots) - 1
	for i := t.home(k) & mask; ; i = (i + 1) & mask {
		// Empty slots come first: a frame may be for the zero address, in no VLAN, which makes the key that they have.
		switch s := &t.slots[i]; s.key {
		case 0:
			return nil
		case k:
			return s
		}
	}
}

// put adds k, which is not there.
func (t *table[V]) put(k key, val V, at time.Duration) *slot[V] {
	if 2*(t.n+1) > len(t.slots) {
		t.grow()
	}
	mask := len(t.slots) - 1
	i := t.home(k) & mask
	for t.slots[i].key != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = slot[V]{key: k, at: at, val: val}
	t.n++
	return &t.slots[i]
}

// grow doubles the table.
func (t *table[V]) grow() {
	old := t.slots
	size := max(16, 2*len(old))
	t.slots = make([]slot[V], size)
	t.n = 0
	t.shift = 64
	for ; size > 1; size >>= 1 {
		t.shift--
	}
	for i := range old {
		if old[i].key != 0 {
			t.put(old[i].key, old[i].val, old[i].at)
		}
	}
}

// remove deletes k, and moves what follows in its run back so that no run has a hole.
func (t *table[V]) remove(k key) {
	s := t.find(k)
	if s == nil {
		return
	}
	mask := len(t.slots) - 1
	hole := t.home(k) & mask
	for t.slots[hole].key != k {
		hole = (hole + 1) & mask
	}
	for i := (hole + 1) & mask; t.slots[i].key != 0; i = (i + 1) & mask {
		home := t.home(t.slots[i].key) & mask
		if (i-home)&mask >= (i-hole)&mask {
			t.slots[hole] = t.slots[i]
			hole = i
		}
	}
	t.slots[hole] = slot[V]{}
	t.n--
}

// clear forgets everything and keeps the memory.
func (t *table[V]) clear() {
	clear(t.slots)
	t.n = 0
}

// keys returns the keys for which keep says yes, in no order that means anything; the table may be changed while they
// are used.
func (t *table[V]) keys(keep func(*slot[V]) bool) []key {
	var ks []key
	for i := range t.slots {
		if t.slots[i].key != 0 && keep(&t.slots[i]) {
			ks = append(ks, t.slots[i].key)
		}
	}
	return ks
}
