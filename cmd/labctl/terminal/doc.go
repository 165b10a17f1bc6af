// Package terminal is where text for people goes: nothing in it makes a terminal do what a lab's author or a guest
// wants of it. It decides how wide text is and what has a colour; how wide the terminal is, and whether it is one, is
// passed in.
package terminal
