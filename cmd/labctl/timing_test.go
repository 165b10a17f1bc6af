package main

import (
	"strings"
	"testing"

	"labctl/cmd/labctl/wire"
)

func TestTiming(t *testing.T) {
	spans := []wire.Span{
		{Part: "bringing the lab up", Seconds: 0.0712},
		{Part: "causes", Seconds: 0.0001},
		{Step: "a wall", Part: "changing the lab", Seconds: 0.0001},
		{Step: "a wall", Part: "pings together", Seconds: 4.2, Waits: []string{"h2 has a packet socket of dhcpd (pid 7)"}},
		{Part: "taking the lab down", Seconds: 0.1},
	}
	var b strings.Builder
	printTiming(&b, spans)
	const want = `
seconds  went into
   0.07  bringing the lab up
         step a wall:
   4.20  pings together
           waited for silence, which is not proven: h2 has a packet socket of dhcpd (pid 7)
         after the steps:
   0.10  taking the lab down
`
	if b.String() != want {
		t.Errorf("got%s\nwant%s", b.String(), want)
	}
	var got []string
	for _, p := range *timingProperties(spans) {
		got = append(got, p.Name+"="+p.Value)
	}
	const properties = "seconds: bringing the lab up=0.071 seconds: causes=0.000 seconds: changing the lab (a wall)=0.000 " +
		"seconds: pings together (a wall)=4.200 waited: pings together (a wall)=h2 has a packet socket of dhcpd (pid 7) " +
		"seconds: taking the lab down=0.100"
	if s := strings.Join(got, " "); s != properties {
		t.Errorf("properties %q, want %q", s, properties)
	}
}
