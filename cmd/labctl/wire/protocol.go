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

// Last is the [Reply] with the result. Result is what is sent; of a Last that is read, a pointer to where the result
// goes, nil for nowhere. A long one is so written and read in one go, without being copied as a text.
type Last struct {
	Event  *Event          `json:"event,omitempty"`
	Item   json.RawMessage `json:"item,omitempty"`
	Result any             `json:"result,omitempty"`
	Error  *Failure        `json:"error,omitempty"`
}

// Event is progress, for a person who waits.
type Event struct {
	What  string `json:"what"`
	Done  int    `json:"done,omitempty"`
	Total int    `json:"total,omitempty"`
	Begun bool   `json:"begun,omitempty"` // from now on it is brought to its end, whether or not who asked for it waits
}
