// Package innode is the process inside a node: it sets up what a command there is to see, and becomes the command or
// stays above it as its monitor.
package innode
