// Package client is how a command line talks to labs: it starts their supervisors, asks them, ends them, and says of
// those that are dead what is left.
package client
