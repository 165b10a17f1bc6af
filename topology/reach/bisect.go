package reach

// longestPacket is the longest IP packet that is tried, in bytes: that of ping's longest payload, 65507.
const longestPacket = 65535

// bisection finds the longest packet that gets through between two nodes. It supposes that whatever is shorter than one
// that does gets through too, and goes on until the next longer one has been tried and has not. It asks nobody.
type bisection struct {
	passed int // the longest that got through
	failed int // the shortest that did not; 0: none has yet
	hint   int // where somebody said that the limit is; 0: nobody has
}

// next is the length of the packet to be tried; 0: there is nothing left to try.
func (b *bisection) next() int {
	top := b.failed
	if top == 0 {
		top = longestPacket + 1
	}
	switch {
	case b.passed+1 >= top:
		return 0
	case b.hint > b.passed && b.hint < top:
		return b.hint
	case b.hint == b.passed: // what was said holds, if the next one does not pass
		return b.passed + 1
	case b.failed == 0:
		return longestPacket
	}
	return b.passed + (top-b.passed)/2
}

// through says that a packet of that length got through.
func (b *bisection) through(length int) {
	b.passed = max(b.passed, length)
	if b.failed != 0 && b.failed <= b.passed { // it did not when it was tried before
		b.failed = 0
	}
}

// lost says that one did not; hint is what somebody has said of the limit, 0 if nobody has.
func (b *bisection) lost(length, hint int) {
	if b.failed == 0 || length < b.failed {
		b.failed = length
	}
	if hint > 0 {
		b.hint = hint
	}
}
