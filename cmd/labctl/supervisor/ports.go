//go:build linux

package supervisor

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"labctl/switchcore"
	"labctl/switchcore/datapath"
	"labctl/topology"
)

// Port is one line of "ports". Rx is what came in from the guest or the uplink, tx what went out to it.
type Port struct {
	Switch      string            `json:"switch"`
	Port        string            `json:"port"`
	Number      uint32            `json:"number"` // as ESXi would number it
	Group       string            `json:"group,omitempty"`
	VLAN        string            `json:"vlan"`
	State       string            `json:"state"` // forwarding blocked down
	Why         string            `json:"why,omitempty"`
	Initial     string            `json:"initial,omitempty"`
	Effective   string            `json:"effective,omitempty"`
	Promiscuous string            `json:"promiscuous"` // granted refused -
	Uplink      bool              `json:"uplink"`
	Policy      map[string]Policy `json:"policy,omitempty"`
	RxFrames    uint64            `json:"rx_frames"`
	RxBytes     uint64            `json:"rx_bytes"`
	TxFrames    uint64            `json:"tx_frames"`
	TxBytes     uint64            `json:"tx_bytes"`
	Drops       map[string]uint64 `json:"drops,omitempty"`    // by reason
	Overruns    uint64            `json:"overruns,omitempty"` // frames that the kernel threw away before the switch saw them
}

// Policy is a computed value and the level that it comes from: default, switch, group or port.
type Policy struct {
	Value string `json:"value"`
	From  string `json:"from"`
}

// portOf turns a switch's own words into a line.
func portOf(node string, st switchcore.PortStatus) Port {
	p := Port{Switch: node, Port: st.Name, Number: st.Number, Group: st.Group, VLAN: st.VLAN, State: st.State, Why: st.Why,
		Promiscuous: st.Promiscuous, Uplink: st.Uplink, RxFrames: st.Counters.RxFrames, RxBytes: st.Counters.RxBytes,
		TxFrames: st.Counters.TxFrames, TxBytes: st.Counters.TxBytes, Drops: map[string]uint64{}}
	if st.Initial != (switchcore.MAC{}) {
		p.Initial = st.Initial.String()
	}
	if st.Effective != (switchcore.MAC{}) {
		p.Effective = st.Effective.String()
	}
	for _, r := range switchcore.Reasons() {
		if n := st.Counters.Drops[r]; n > 0 {
			p.Drops[r.String()] = n
		}
	}
	if !st.Uplink {
		p.Policy = map[string]Policy{}
		for _, d := range switchcore.Decisions() {
			p.Policy[d.Key] = verdictOf(*d.In(&st.Policy))
		}
	}
	return p
}

func verdictOf(s switchcore.Setting) Policy {
	word := "reject"
	if s.Value {
		word = "accept"
	}
	return Policy{word, s.From.String()}
}

func ports(_ context.Context, c *call) (any, error) {
	var p NodesParams
	if len(c.params) > 0 {
		if err := json.Unmarshal(c.params, &p); err != nil {
			return nil, err
		}
	}
	if err := c.begun(); err != nil {
		return nil, err
	}
	if err := c.checkSwitches(p.Nodes); err != nil {
		return nil, err
	}
	out := []Port{}
	for _, v := range c.switches.list() {
		c.switches.countOverruns(v)
		c.switches.countOversized(v)
		first := len(out)
		v.loop.Do(func(_ time.Duration, s *switchcore.Switch) {
			for _, id := range s.Ports() {
				st := s.Status(id)
				if wanted(p.Nodes, v.node, st.Name) {
					out = append(out, portOf(v.node, st))
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

// begun fails as long as the lab is being built, when there may be nothing yet to look at.
func (c *call) begun() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == "starting" || c.switches == nil {
		return &Failure{Failed, c.meta.Instance + " is still starting"}
	}
	return nil
}

// wanted reports whether a port of a switch was asked for: by the switch, by switch:port, or because nothing was asked for.
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
			return UnknownNode(c.current(), node)
		case n.Switch == nil && n.Kind == topology.Bridge:
			return usagef("%s is a bridge, not a vswitch%s; the kernel gives no account of what a bridge decides, but \"labctl fdb %s\", \"labctl rules %s\" and \"labctl watch %s\" show what it knows, refuses and learns", node, switchesOf(c.current()), node, node, node)
		case n.Switch == nil:
			return usagef("%s is a %s, not a vswitch%s", node, n.Kind, switchesOf(c.current()))
		case hasPort && !slices.ContainsFunc(n.Switch.Ports, func(p topology.SwitchPort) bool { return p.Name == port }):
			var known []string
			for _, p := range n.Switch.Ports {
				known = append(known, p.Name)
			}
			return usagef("%s has no port %q; it has %s", node, port, strings.Join(known, ", "))
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

// DroppedFrame is one dropped frame.
type DroppedFrame struct {
	Switch   string    `json:"switch"`
	Seq      uint64    `json:"seq"` // of the switch
	Time     time.Time `json:"time"`
	Point    string    `json:"point"`
	Reason   string    `json:"reason"`
	ESXi     string    `json:"esxi_reason,omitempty"`
	Function string    `json:"function"`
	Port     string    `json:"port"`   // where it ended
	Source   string    `json:"source"` // the port it came from, "" if the switch made it
	Number   uint32    `json:"number"` // of Source
	Length   int       `json:"length"`
	Offload  string    `json:"offload,omitempty"`
	What     string    `json:"what"`           // who speaks to whom, and of what
	Data     string    `json:"data"`           // hexadecimal, the frame's first bytes
	Lost     uint64    `json:"lost,omitempty"` // this many before it are not in the log any more
}

func dropOf(node string, r datapath.DropRecord) DroppedFrame {
	text, _, function := r.Reason.ESXi()
	return DroppedFrame{Switch: node, Seq: r.Seq, Time: r.Time, Point: r.Point, Reason: r.Reason.String(), ESXi: text, Function: function,
		Port: place(r), Source: r.PortName, Number: r.Number, Length: r.Length, Offload: offload(r), What: whatOf(r), Data: hex.EncodeToString(r.Data)}
}

// whatOf says who speaks to whom in a dropped frame. One that was too long for its port was never seen.
func whatOf(r datapath.DropRecord) string {
	if len(r.Data) == 0 && r.Reason == switchcore.MtuExceeded {
		return "longer than the port takes, lost on its cable and not seen"
	}
	return describeFrame(r.Data)
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

func dropped(ctx context.Context, c *call) (any, error) {
	var p FollowParams
	if err := json.Unmarshal(c.params, &p); err != nil {
		return nil, err
	}
	if err := c.begun(); err != nil {
		return nil, err
	}
	if err := c.checkSwitches(p.Nodes); err != nil {
		return nil, err
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for at := map[*vswitch]uint64{}; ; {
		var all []DroppedFrame
		for _, v := range c.switches.list() {
			c.switches.countOversized(v)
			records, next, lost := v.loop.Drops(at[v])
			at[v] = next
			for _, r := range records {
				if wanted(p.Nodes, v.node, place(r)) {
					d := dropOf(v.node, r)
					d.Lost, lost = lost, 0
					all = append(all, d)
				}
			}
		}
		slices.SortStableFunc(all, func(a, b DroppedFrame) int { return a.Time.Compare(b.Time) })
		for _, d := range all {
			if err := c.item(d); err != nil {
				return nil, err
			}
		}
		if !p.Follow {
			return struct{}{}, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return struct{}{}, nil
		}
	}
}

// switchTable is the forwarding table of a switch, for "fdb".
func (c *call) switchTable(node string, owners map[switchcore.MAC]string) ([]FDBEntry, error) {
	if err := c.begun(); err != nil {
		return nil, err
	}
	v, err := c.switches.get(node)
	if err != nil {
		return nil, err
	}
	out := []FDBEntry{}
	v.loop.Do(func(now time.Duration, s *switchcore.Switch) {
		for _, e := range s.Table(now) {
			m := e.MAC
			how := "static"
			if !e.Static {
				how = fmt.Sprintf("learned %s ago", e.Age.Round(time.Second))
			}
			out = append(out, FDBEntry{Switch: node, MAC: m.String(), Holder: owners[m], Port: s.Status(e.Port).Name, VLAN: int(e.VLAN), How: how})
		}
	})
	return out, nil
}
