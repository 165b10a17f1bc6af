package state

import (
	"net/netip"
	"time"

	"labctl/switchcore"
)

// Tunnel is what a VXLAN interface is like (RFC 7348). Its packets leave from the node of [Interface.Lower], or, where
// that is zero, from its own.
type Tunnel struct {
	ID       int           `json:"id"`              // the VNI
	Remote   netip.Addr    `json:"remote,omitzero"` // the default: a multicast group, or the first remote
	Local    netip.Addr    `json:"local,omitzero"`  // the outer source address; zero: by the route
	Port     int           `json:"port"`            // UDP
	TTL      int           `json:"ttl,omitzero"`    // of the outer packets; 0: the kernel's choice
	DF       string        `json:"df"`              // of the outer packets: unset set inherit
	Learning bool          `json:"learning,omitzero"`
	Ageing   time.Duration `json:"ageing,omitzero"` // of what is learned
	FDB      []TunnelFDB   `json:"fdb,omitzero"`    // by MAC and remote
}

// TunnelFDB is an entry of a VXLAN's forwarding table. The zero MAC stands for all that the table does not have, and
// for frames for everybody: they go to each of its remotes.
type TunnelFDB struct {
	MAC    switchcore.MAC `json:"mac,omitzero"`
	Remote netip.Addr     `json:"remote"`
	Static bool           `json:"static,omitzero"` // it does not age
}
