package switchcore

import "time"

// HookFrame is a frame that was admitted and learned from, and is about to be forwarded. Frame is read only.
type HookFrame struct {
	Now  time.Duration
	In   PortID
	Port string
	VLAN uint16
	Frame
}

// HookResult is what becomes of the frame. The zero value lets it pass.
type HookResult struct {
	Drop bool   // drop it, as Filtered
	Why  string // for Explain
	Data []byte // in place of Frame.Data: the frame goes where this one's destination says; the tag beside Data stays
}

// Hook is the extension point for filters, encapsulation and encryption: it sees every frame between learning and
// forwarding. It is called by Explain too, so it must not depend on how often it is called.
type Hook func(HookFrame) HookResult

// runHook lets the hook look at the frame; false: it dropped it, or left no frame.
func (r *relay) runHook(w *passage) bool {
	result := r.hook(HookFrame{Now: w.now, In: w.p.id, Port: w.p.conf.Name, VLAN: w.fdb, Frame: w.f})
	if result.Drop {
		w.why = result.Why
		w.drop(Filtered)
		return false
	}
	if result.Data == nil {
		return true
	}
	w.f.Data, w.replaced = result.Data, true
	if !w.parse() {
		w.drop(Malformed)
		return false
	}
	return true
}
