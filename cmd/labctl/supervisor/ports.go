//go:build linux

package supervisor

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"labctl/cmd/labctl/pcap"
	"labctl/cmd/labctl/wire"
	"labctl/switchcore"
	"labctl/switchcore/datapath"
	"labctl/topology"
)

func ports(_ context.Context, c *call, p wire.NodesParams) ([]wire.Port, error) {
	if err := c.begun(); err != nil {
		return nil, err
	}
	if err := c.checkSwitches(p.Nodes); err != nil {
		return nil, err
	}
	out := []wire.Port{}
	for _, v := range c.switches.list() {
		c.switches.countOverruns(v)
		c.switches.countOversized(v)
		first := len(out)
		v.loop.Do(func(_ time.Duration, s *switchcore.Switch) {
			for _, id := range s.Ports() {
				st := s.Status(id)
				if wanted(p.Nodes, v.node, st.Name) {
					out = append(out, wire.PortOf(v.node, st))
				}
			}
		})
		c.switches.mu.Lock()
		for i := first; i < len(out); i++ {
			out[i].Overruns = v.overruns[out[i].Port]
		}
		c.switches.mu.Unlock()
	}
	return out, nil
}

// wanted reports whether a port of a switch was asked for: by the switch, by switch:port, or because nothing was asked
// for.
func wanted(asked []string, node, port string) bool {
	return len(asked) == 0 || slices.Contains(asked, node) || slices.Contains(asked, node+":"+port)
}

// checkSwitches says what is wrong with the names of switches and ports.
func (c *call) checkSwitches(names []string) error {
	for _, name := range names {
		node, port, hasPort := strings.Cut(name, ":")
		n := c.current().Node(node)
		switch {
		case n == nil:
			return wire.UnknownNode(c.current(), node)
		case n.Switch == nil && n.Kind == topology.Bridge:
			return wire.Usagef("%s is a bridge, not a vswitch%s; the kernel gives no account of what a bridge "+
				"decides, but \"labctl fdb %s\", \"labctl rules %s\" and \"labctl watch %s\" show what it knows, "+
				"refuses and learns", node, switchesOf(c.current()), node, node, node)
		case n.Switch == nil:
			return wire.Usagef("%s is a %s, not a vswitch%s", node, n.Kind, switchesOf(c.current()))
		case hasPort && !slices.ContainsFunc(n.Switch.Ports,
			func(p topology.SwitchPort) bool { return p.Name == port }):
			var known []string
			for _, p := range n.Switch.Ports {
				known = append(known, p.Name)
			}
			return wire.Usagef("%s has no port %q; it has %s", node, port, strings.Join(known, ", "))
		}
	}
	return nil
}

func switchesOf(lab *topology.Lab) string {
	var names []string
	for _, n := range lab.Nodes {
		if n.Switch != nil {
			names = append(names, n.Name)
		}
	}
	if len(names) == 0 {
		return "; the lab has none"
	}
	return "; the lab has " + strings.Join(names, ", ")
}

func dropOf(node string, r datapath.DropRecord) wire.DroppedFrame {
	text, _, function := r.Reason.ESXi()
	return wire.DroppedFrame{Switch: node, Seq: r.Seq, Time: r.Time, Point: r.Point, Reason: r.Reason.String(),
		ESXi: text, Function: function,
		Port: dropPort(r), Source: r.PortName, Number: r.Number, Length: r.Length, Offload: offload(r), What: whatOf(r),
		Data: hex.EncodeToString(r.Data)}
}

// whatOf says who speaks to whom in a dropped frame. One that was too long for its port was never seen.
func whatOf(r datapath.DropRecord) string {
	if len(r.Data) == 0 && r.Reason == switchcore.MtuExceeded {
		return "longer than the port takes, lost on its cable and not seen"
	}
	return pcap.DescribeFrame(r.Data)
}

// offload says what was left for an adapter to do, in pktcap-uw's terms.
func offload(r datapath.DropRecord) string {
	tso, sum := "TSO not enabled", "Checksum not offloaded and not verified"
	if r.Segment > 0 {
		tso = fmt.Sprintf("TSO enabled, MSS %d", r.Segment)
	}
	if r.Checksum {
		sum = "Checksum offloaded"
	}
	return tso + ", " + sum
}

func dropped(ctx context.Context, c *call, p wire.FollowParams) error {
	if err := c.begun(); err != nil {
		return err
	}
	if err := c.checkSwitches(p.Nodes); err != nil {
		return err
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for at := map[*vswitch]uint64{}; ; {
		var all []wire.DroppedFrame
		for _, v := range c.switches.list() {
			c.switches.countOversized(v)
			records, next, lost := v.loop.Drops(at[v])
			at[v] = next
			for _, r := range records {
				if wanted(p.Nodes, v.node, dropPort(r)) {
					d := dropOf(v.node, r)
					d.Lost, lost = lost, 0
					all = append(all, d)
				}
			}
		}
		slices.SortStableFunc(all, func(a, b wire.DroppedFrame) int { return a.Time.Compare(b.Time) })
		for _, d := range all {
			if err := c.item(d); err != nil {
				return err
			}
		}
		if !p.Follow {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}
