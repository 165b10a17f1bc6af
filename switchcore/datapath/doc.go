// Package datapath carries the frames of a virtual switch: it reads them from the switch's ports, asks a
// [switchcore.Switch] about each, and sends them where the verdict says. It decides nothing. One [Loop] owns one
// switch, on a thread of its own; everybody else reaches that switch through [Loop.Do]. It opens no descriptor of a
// network itself: sockets, TAP descriptors and what is known of the guests' adapters come from outside. Linux only.
package datapath
