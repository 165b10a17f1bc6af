package labfile

import (
	"strconv"
	"time"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/labfile/grammar"
)

// switchSettings reads what holds for the switch alone.
func switchSettings(c *switchcore.Config, body grammar.Value) {
	c.BlockGuestBPDU = body.Field("block_guest_bpdu").Bool(c.BlockGuestBPDU)
	c.ReversePathCheck = body.Field("reverse_path_check").Bool(c.ReversePathCheck)
	c.ReversePathCheckPromiscuous = body.Field("reverse_path_check_promiscuous").Bool(c.ReversePathCheckPromiscuous)
	c.Ageing = body.Field("ageing").Duration(c.Ageing)
	c.FDBSize = body.Field("fdb_size").Int(c.FDBSize)
	c.MaxPorts = body.Field("max_ports").Int(c.MaxPorts)
	if v := body.Field("link_local"); v.Given() {
		c.LinkLocal = v.Word() == "drop"
	}
	for v := range body.Field("pvlans").Fields() {
		p := switchcore.PVLAN{Isolated: v.Field("isolated").Int(0)}
		p.Primary, _ = strconv.Atoi(v.Name())
		for _, id := range v.Field("community").Items() {
			p.Community = append(p.Community, id.Int(0))
		}
		c.PVLANs = append(c.PVLANs, p)
	}
}

// overridesOf is what the ports of a group may set for themselves: on platforms that have such a level at all, being
// blocked, unless the group says otherwise.
func overridesOf(p switchcore.Profile, v grammar.Value) switchcore.Overrides {
	var out switchcore.Overrides
	if !v.Given() && (p == switchcore.Distributed || p == switchcore.NSX) {
		return switchcore.OverrideBlocked
	}
	for _, said := range v.Words() {
		for i, w := range topology.OverrideWords() {
			if said == w {
				out |= switchcore.Overrides(1) << i
			}
		}
	}
	return out
}

// readSpec reads what one level says; what it does not say stays as it is.
func readSpec(spec *switchcore.Spec, v grammar.Value, names *nameTable) {
	for _, d := range switchcore.Decisions() {
		if x := v.Field(d.Key); x.Given() {
			*d.Of(spec) = ptr(x.Word() == "accept")
		}
	}
	setBool(&spec.Blocked, v.Field("blocked"))
	if x := v.Field("mac_learning"); x.Given() {
		readLearning(&spec.Learning, x)
	}
	if x := v.Field("vlan"); x.Given() {
		spec.VLAN = ptr(switchVLAN(x))
	}
	if x := v.Field("teaming"); x.Given() {
		readTeaming(&spec.Teaming, x)
	}
	if x := v.Field("allowed"); x.Given() {
		check := switchcore.SourceCheck{Mode: switchcore.CheckAllowed}
		for _, a := range x.Items() {
			check.Allowed = append(check.Allowed, names.mac(a))
		}
		spec.SourceCheck = &check
	}
}

func ptr[T any](v T) *T { return &v }

func setBool(to **bool, v grammar.Value) {
	if v.Given() {
		*to = ptr(v.Bool(false))
	}
}

func readLearning(l *switchcore.LearningSpec, v grammar.Value) {
	if v.IsSingle() {
		setBool(&l.Enabled, v)
		return
	}
	l.Enabled = ptr(true)
	setBool(&l.Flooding, v.Field("unicast_flooding"))
	if x := v.Field("limit"); x.Given() {
		l.Limit = ptr(x.Int(0))
	}
	if x := v.Field("limit_policy"); x.Given() {
		l.Drop = ptr(x.Word() == "drop")
	}
	if x := v.Field("ageing"); x.Given() {
		l.Ageing = ptr(x.Duration(600 * time.Second))
	}
}

// switchVLAN reads "vlan". One number is the VLAN that the port is in, with quotes or without: which it is must not
// hang on how a shell or an editor treats them.
func switchVLAN(v grammar.Value) switchcore.VLAN {
	if x := v.Field("pvlan"); x.Given() {
		return switchcore.VLAN{Mode: switchcore.PrivateVLAN, ID: x.Int(0)}
	}
	if id, err := strconv.Atoi(v.Word()); err == nil {
		return switchcore.VLAN{ID: id}
	}
	ranges, _ := grammar.ParseTrunk(v.Word())
	return switchcore.VLAN{Mode: switchcore.Trunk, Ranges: ranges}
}

func readTeaming(t *switchcore.TeamingSpec, v grammar.Value) {
	for i, w := range topology.TeamingWords() {
		if v.Field("policy").Text("") == w {
			t.Policy = ptr(switchcore.TeamingPolicy(i))
		}
	}
	names := func(to *[]string, x grammar.Value) {
		if x.Given() {
			*to = append([]string{}, x.Words()...) // an empty list is said, not inherited
		}
	}
	names(&t.Active, v.Field("active"))
	names(&t.Standby, v.Field("standby"))
	setBool(&t.Failback, v.Field("failback"))
	setBool(&t.Notify, v.Field("notify_switches"))
}
