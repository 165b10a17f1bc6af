package main

// machineVerbs are the verbs that need a Linux kernel, in the order in which a newcomer meets them.
var machineVerbs = []string{
	"up", "down", "ls", "inspect", "exec", "shell", "ping", "matrix", "verify", "step", "set", "reset", "policy",
	"port", "link", "send",
	"ports", "fdb", "drops", "capture", "events", "watch", "explain", "neigh", "routes", "rules", "ps", "switch",
	"doctor",
}
