package switchcore_test

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"labctl/switchcore"
)

// arpGuard drops ARP replies in which a port claims an IPv4 address that is not its own (RFC 826: hardware type 1,
// protocol type 0x0800, operation 2). Ports that are not listed may say what they want.
func arpGuard(owns map[string]netip.Addr) switchcore.Hook {
	return func(f switchcore.HookFrame) switchcore.HookResult {
		addr, guarded := owns[f.Port]
		if !guarded || len(f.Data) < 42 || binary.BigEndian.Uint16(f.Data[12:]) != 0x0806 || binary.BigEndian.Uint16(f.Data[20:]) != 2 {
			return switchcore.HookResult{}
		}
		if claimed := netip.AddrFrom4([4]byte(f.Data[28:32])); claimed != addr {
			return switchcore.HookResult{Drop: true, Why: fmt.Sprintf("%s says it is %s", f.Port, claimed)}
		}
		return switchcore.HookResult{}
	}
}

// arpReply is "sender is at mac", told to target.
func arpReply(mac, to switchcore.MAC, sender, target string) switchcore.Frame {
	d := append(append([]byte{}, to[:]...), mac[:]...)
	d = append(d, 8, 6, 0, 1, 8, 0, 6, 4, 0, 2)
	d = append(append(d, mac[:]...), netip.MustParseAddr(sender).AsSlice()...)
	d = append(append(d, to[:]...), netip.MustParseAddr(target).AsSlice()...)
	return switchcore.Frame{Data: append(d, make([]byte, 18)...)}
}

// A hook comes between learning and forwarding. This one is the filter against ARP spoofing.
func ExampleSwitch_SetHook() {
	c, _ := switchcore.Preset("standard")
	mallory, victim := switchcore.MAC{0, 0x50, 0x56, 0, 0, 4}, switchcore.MAC{0, 0x50, 0x56, 0, 0, 3}
	c.Ports = []switchcore.Port{{Name: "mallory", Initial: mallory}, {Name: "victim", Initial: victim}}
	s, err := switchcore.New(c)
	if err != nil {
		fmt.Println(err)
		return
	}
	in := s.Lookup("mallory")
	s.Connect(0, in, switchcore.Filter{MAC: mallory})
	s.Connect(0, s.Lookup("victim"), switchcore.Filter{MAC: victim})
	s.SetHook(arpGuard(map[string]netip.Addr{"mallory": netip.MustParseAddr("192.168.0.4")}))

	for _, sender := range []string{"192.168.0.4", "192.168.0.1"} {
		f := arpReply(mallory, victim, sender, "192.168.0.3")
		steps := s.Explain(0, in, f).Steps
		v := s.Forward(0, in, f)
		fmt.Println(len(v.Out), v.Drop, "-", steps[len(steps)-1])
	}
	fmt.Println(s.Status(in).Counters.Drops[switchcore.Filtered])
	// Output:
	// 1 None - output: to victim, untagged
	// 0 Filtered - hook: it drops the frame: mallory says it is 192.168.0.1: Filtered
	// 1
}
