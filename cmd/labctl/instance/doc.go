// Package instance is where the processes of labctl have their run directories, and how they find each other there:
// whose a directory and the process at the other end of its socket are, who holds its lock, and what its files say of a
// lab, dead or alive.
package instance
