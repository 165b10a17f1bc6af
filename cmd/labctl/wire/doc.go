// Package wire is what crosses the sockets between a labctl and the processes that it has started: every message, what
// a failure is, and how lines are written and read. It decides nothing and touches nothing.
package wire
