package labfile

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"labctl/labs"
)

func TestBehind(t *testing.T) {
	for _, c := range []struct{ lab, node, port, want string }{
		{"nested-esxi", "dvs", "vm0", "vm0"},
		{"nested-esxi", "dvs", "vmnic9", "phys x1"},
		{"nested-esxi", "dvs", "esxi1-vmnic0", "esxi1 esxi1.vSwitch0 esxi1.vm1"},
		{"nested-esxi", "esxi1.vSwitch0", "vm1", "esxi1.vm1"},
		{"nested-esxi", "esxi2.vSwitch0", "vmnic0", "dvs esxi1 esxi1.vSwitch0 esxi1.vm1 phys spy vm0 x1"},
		{"nested-esxi", "dvs", "nix", ""},
		{"nested-esxi", "phys", "dvs", ""},
		{"bridge-of-bridge", "host.vmnet3", "win", "win"},
		{"bridge-of-bridge", "host.vmnet3", "br0", "host host.vmnet4 kali2 kali3 kali4 kali5 lan lan1 win1"},
	} {
		src, err := labs.Read(c.lab)
		if err != nil {
			t.Fatal(err)
		}
		lab, problems := Load(c.lab, src)
		if lab == nil {
			t.Fatal(problems)
		}
		if got := strings.Join(slices.Sorted(maps.Keys(lab.Behind(c.node, c.port))), " "); got != c.want {
			t.Errorf("%s: behind %s:%s: %q, want %q", c.lab, c.node, c.port, got, c.want)
		}
	}
}
