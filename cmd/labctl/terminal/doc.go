// Package terminal is where text for people goes: nothing in it makes a terminal do what a lab's author or a guest
// wants of it.
package terminal
