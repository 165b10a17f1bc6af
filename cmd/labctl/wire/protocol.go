package wire

import "encoding/json"

// ProtocolVersion is the first thing a supervisor says.
const ProtocolVersion = 1

// EveryVersion are the methods that every supervisor of any version answers, and every client may ask for.
var EveryVersion = []string{"status", "inspect", "down"}

// Hello is the supervisor's first line on a connection.
type Hello struct {
	Labctl  int    `json:"labctl"` // ProtocolVersion
	Version string `json:"version"`
}

// Request is the client's one line. A connection carries one request.
type Request struct {
	Method string          `json:"method"`
	Params json.RawMessage `json:"params,omitempty"`
}

// Reply is one line from the supervisor: any number of events, then one result or one error.
type Reply struct {
	Event  *Event          `json:"event,omitempty"`
	Item   json.RawMessage `json:"item,omitempty"` // one of a stream of things, before the result
	Result json.RawMessage `json:"result,omitempty"`
	Error  *Failure        `json:"error,omitempty"`
}

// Event is progress, for a person who waits.
type Event struct {
	What  string `json:"what"`
	Done  int    `json:"done,omitempty"`
	Total int    `json:"total,omitempty"`
	Begun bool   `json:"begun,omitempty"` // from now on it is brought to its end, whether or not who asked for it waits
}
