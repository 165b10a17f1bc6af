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

// Hook is the extension point for filters, encapsulation and encryption: it sees every frame between learning and forwarding. It
// is called by Explain too, so it must not depend on how often it is called.
type Hook func(HookFrame) HookResult

// SetHook makes h the hook of the switch; nil takes it away.
func (s *Switch) SetHook(h Hook) { s.hook = h }

// runHook lets the hook look at the frame; false means that it dropped it or left no frame.
func (s *Switch) runHook(w *passage) bool {
	r := s.hook(HookFrame{Now: w.now, In: w.p.id, Port: w.p.conf.Name, VLAN: w.fdb, Frame: w.f})
	if r.Drop {
		w.why = r.Why
		w.drop(Filtered)
		return false
	}
	if r.Data == nil {
		return true
	}
	w.f.Data, w.replaced = r.Data, true
	if !w.parse() {
		w.drop(Malformed)
		return false
	}
	return true
}
