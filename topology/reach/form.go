package reach

import (
	"strconv"

	"golang.org/x/sys/unix"

	"labctl/topology/expect"
)

// form is what the echo requests of a pair are like. The zero form is that of ping(8) without options.
type form struct {
	given bool // the rest is
	size  int  // of the payload, in bytes
	whole bool // it is not to be fragmented: ping -M do
}

// formOf is what a question of pings asks for.
func formOf(q expect.Question) form {
	if q.With == "" || !expect.KindOf(q.Kind).Echo {
		return form{}
	}
	size, err := strconv.Atoi(q.Option("size"))
	if err != nil {
		size = defaultSize
	}
	return form{given: true, size: size, whole: q.Option("df") == "true"}
}

// payload is the size of the request without its headers, as ping's -s counts it.
func (f form) payload() int {
	if !f.given {
		return defaultSize
	}
	return f.size
}

// headers is how long the headers of an echo request are: IP's without options, and ICMP's.
func headers(v6 bool) int {
	if v6 {
		return 40 + echoHeader
	}
	return 20 + echoHeader
}

// packet is the IP packet's length.
func (f form) packet(v6 bool) int { return f.payload() + headers(v6) }

// usual is for what ping(8) does without -M: what the kernel does with a new socket.
const usual = -1

// discovery is the socket's value of IP_MTU_DISCOVER (ip(7)) or IPV6_MTU_DISCOVER (ipv6(7)).
func (f form) discovery() int {
	switch {
	case f.whole:
		return unix.IP_PMTUDISC_DO
	case f.given:
		return unix.IP_PMTUDISC_DONT
	}
	return usual
}

// tooBig is the word for a packet that the sender's own kernel does not send at its length.
const tooBig = "too-big"
