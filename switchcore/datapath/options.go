//go:build linux

package datapath

import (
	"errors"

	"labctl/switchcore"
)

// The points at which frames are seen, by the names that vSphere gives them.
const (
	PortInput  = "PortInput"  // from a guest into the switch
	PortOutput = "PortOutput" // from the switch to a guest
	UplinkRcv  = "UplinkRcv"  // from outside into the switch
	UplinkSnd  = "UplinkSnd"  // from the switch to the outside
	Drop       = "Drop"       // nowhere
)

// ErrClosed is what is returned to those who wait for something of a loop that has ended.
var ErrClosed = errors.New("the switch has stopped")

// Options are what a [Loop] is started with. The zero Options observe nothing and keep 1024 drop records.
type Options struct {
	Observer Observer
	DropLog  int // drop records kept; 0: 1024
	// Log is told what an administrator should know and no caller can be told, a port whose descriptor failed, say. It
	// is called by the owner and must not block. May be nil.
	Log func(format string, args ...any)
	// Events is given what happened on the switch, soon after it did. It is called by the owner, must not block, and
	// must not call the loop. If it is nil, events stay in the switch until somebody takes them by Do.
	Events func([]switchcore.Event)
}
