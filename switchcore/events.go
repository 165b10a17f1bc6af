package switchcore

import "fmt"

// maxEvents bounds what is kept for an owner that does not ask for events.
const maxEvents = 4096

// eventLog keeps what happened until the owner of the switch takes it.
type eventLog struct{ list []Event }

// add keeps an event at a port, or of the switch itself where p is nil.
func (l *eventLog) add(kind string, p *port, old, new, cause string) {
	if len(l.list) > maxEvents {
		return
	}
	e := Event{Kind: kind, Old: old, New: new, Cause: cause}
	if p != nil {
		e.Port = p.conf.Name
	}
	if len(l.list) == maxEvents {
		e = Event{Kind: EventEventsLost, Cause: fmt.Sprintf("more than %d events since the last look", maxEvents)}
	}
	l.list = append(l.list, e)
}

// take empties the log.
func (l *eventLog) take() []Event {
	list := l.list
	l.list = nil
	return list
}
