// Package supervisor runs one lab: a process of its own, in an empty network namespace and a PID namespace of its own,
// that builds the lab, keeps it, answers questions about it and takes it down.
package supervisor
