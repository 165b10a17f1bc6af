package switchcore

// egress collects the copies of the frame under way, and the copies that are lost on the way out.
type egress struct {
	serial uint64 // of the frame: a port gets one copy of it
	out    []Output
	lost   []Loss
}

// begin is for the next frame.
func (e *egress) begin() {
	e.serial++
	e.out = e.out[:0]
	e.lost = e.lost[:0]
}

// emit makes a copy for q, once.
func (e *egress) emit(w *passage, q *port) {
	if q.lastSerial == e.serial {
		return
	}
	q.lastSerial = e.serial
	if q.mtu > 0 && w.payload > q.mtu {
		e.lost = append(e.lost, Loss{q.id, MtuExceeded})
		return
	}
	e.out = append(e.out, w.tagAt(q))
}

// lose notes that a copy for q does not leave by it.
func (e *egress) lose(q *port, r Reason) {
	if q.lastSerial != e.serial {
		q.lastSerial = e.serial
		e.lost = append(e.lost, Loss{q.id, r})
	}
}

// has tells whether q has an output or a loss of this frame already.
func (e *egress) has(q *port) bool { return q.lastSerial == e.serial }

// nobody tells whether nothing of the frame has left, nor was lost.
func (e *egress) nobody() bool { return len(e.out) == 0 && len(e.lost) == 0 }
