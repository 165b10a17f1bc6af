// Package switchproc is "labctl switch": a virtual switch on interfaces of the machine, without a lab, in a process of
// its own, and how a command line talks to it.
package switchproc
