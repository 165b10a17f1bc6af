// Package kernel makes a topology.Plan true: it owns the network namespaces of one instance of a lab, is the only place
// with netlink, reads the kernel's tables back, and removes what it made, by ownership and never by pattern.
package kernel
