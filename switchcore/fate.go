package switchcore

import "slices"

// Fate is what became of a frame at one port: delivered, or lost there with a reason, or not meant for it, with a
// cause.
type Fate struct {
	Port      PortID
	Delivered bool
	Reason    Reason // of a loss; with CauseInput, of the whole frame
	Cause     Cause
	Hint      string // what to set, in the words of a lab file, so that it is delivered; "" if nothing to say
}

// Explanation is a verdict with its story. All of it belongs to the caller.
type Explanation struct {
	Verdict
	Fates []Fate   // every port but the one the frame came from (a hairpin too), in the order of the configuration
	Steps []string // what was asked on the way, a sentence each, beginning with what it is about, as in "source: ..."
	Hint  string   // of a frame that nobody got: what to set, in the words of a lab file; "" if nothing to say
}

// explainer finds out, of a frame that was judged, why each port got it or not, by the questions that the relay asked.
type explainer struct {
	*relay
	w *passage // as it ended
}

// fate finds out why q is, or is not, among the outputs, with the questions that Forward asked.
func (x *explainer) fate(q *port, v *Verdict) Fate {
	t := Fate{Port: q.id}
	for _, o := range v.Out {
		if o.Port == q.id {
			t.Delivered = true
			return t
		}
	}
	for _, l := range v.Lost {
		if l.Port == q.id {
			t.Reason = l.Reason
			return t
		}
	}
	switch {
	case x.w.ended:
		t.Reason, t.Cause = v.Drop, CauseInput
	case !q.leaf:
		t.Cause = x.uplinkCause(q)
	default:
		t.Cause = x.leafCause(q)
	}
	return t
}

// uplinkCause is why an uplink was left out.
func (x *explainer) uplinkCause(q *port) Cause {
	switch {
	case !x.w.p.leaf:
		return CauseFromUplink
	case q.blocked:
		return CauseBlocked
	case !q.up:
		return CauseDown
	case !x.w.group() && x.w.hits > 0 && !x.conf.TransmitToUplink:
		return CauseKnownHere
	}
	return CauseOtherUplink
}

// leafCause is why a port with a client was left out.
func (x *explainer) leafCause(q *port) Cause {
	if c := x.reach(x.w, q); c != CauseNone {
		return c
	}
	wanted := x.overhears(x.w, q) || x.w.hits == 0 && slices.Contains(x.learners, q)
	if x.w.group() {
		wanted = x.wants(x.w, q)
	}
	if wanted && !x.w.p.leaf && !x.reverseOK(x.w, q) {
		return CauseReversePath
	}
	return CauseFilterNoMatch
}
