package plan

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"labctl/topology"
)

// The virtual switches of a few labs, as they are handed to whoever runs them, and the plan that makes their ports.
func TestSwitchesAreGolden(t *testing.T) {
	for _, name := range []string{"switches", "nested-esxi", "bridge-of-bridge", "simple-vswitch"} {
		lab := loadGood(t, name)
		var b strings.Builder
		for _, n := range lab.Nodes {
			if n.Switch == nil {
				continue
			}
			b.WriteString(n.Name + "\n")
			describeSettings(&b, n)
		}
		for line := range strings.Lines(New(lab.Lab, "x").String()) {
			if !strings.Contains(line, " sysctl ") {
				b.WriteString(line)
			}
		}
		file := filepath.Join("testdata", "switches", name+".txt")
		if *update {
			if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want := string(mustRead(t, file)); b.String() != want {
			t.Errorf("%s: the switches are others; see what differs with \"go test ./topology -run TestSwitchesAreGolden -update; git diff\"", file)
		}
	}
}

// describeSettings is what a node does as a virtual switch.
func describeSettings(b *strings.Builder, n *topology.Node) {
	for _, s := range settings(n) {
		fmt.Fprintf(b, "  %s = %s\n", s.key, s.value)
	}
	for i, p := range n.Switch.Config.Ports {
		at := n.Switch.Ports[i]
		fmt.Fprintf(b, "  port %s group=%q uplink=%v mtu=%d down=%v at=%s shared=%v", p.Name, p.Group, p.Uplink, p.MTU, p.Down, at.At, at.Shared)
		if at.Far.Node != "" {
			fmt.Fprintf(b, " far=%s initial=%s", at.Far, p.Initial)
		}
		b.WriteByte('\n')
	}
}
