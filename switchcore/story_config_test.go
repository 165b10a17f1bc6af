package switchcore

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// declare makes the configuration that the switch starts with.
func (w *story) declare(verb string, args []string) error {
	switch verb {
	case "mac":
		for _, a := range args {
			name, value, _ := strings.Cut(a, "=")
			m, err := w.mac(value)
			if err != nil {
				return err
			}
			w.macs[name] = m
		}
		return nil
	case "switch":
		for _, a := range args {
			if name, ok := strings.CutPrefix(a, "profile="); ok {
				c, found := Preset(name)
				if !found {
					return fmt.Errorf("no preset %q", name)
				}
				w.c = c
			}
		}
		return w.apply("switch", "", slices.DeleteFunc(slices.Clone(args), func(a string) bool { return strings.HasPrefix(a, "profile=") }))
	case "group":
		w.c.Groups = append(w.c.Groups, Group{Name: args[0], Overrides: OverrideBlocked * b2o(w.c.Profile == Distributed || w.c.Profile == NSX)})
		return w.apply("group", args[0], args[1:])
	case "pvlan":
		w.c.PVLANs = append(w.c.PVLANs, PVLAN{})
		v := &w.c.PVLANs[len(w.c.PVLANs)-1]
		var errs []error
		for _, a := range args {
			key, value, _ := strings.Cut(a, "=")
			for _, s := range strings.Split(value, ",") {
				n, err := strconv.Atoi(s)
				errs = append(errs, err)
				switch key {
				case "primary":
					v.Primary = n
				case "isolated":
					v.Isolated = n
				case "community":
					v.Community = append(v.Community, n)
				}
			}
		}
		return errors.Join(errs...)
	}
	w.c.Ports = append(w.c.Ports, Port{Name: args[0], Uplink: verb == "uplink"})
	return w.apply("port", args[0], args[1:])
}

func b2o(b bool) Overrides {
	if b {
		return 1
	}
	return 0
}

// change edits the configuration of the running switch: set switch|group G|port P KEY=VALUE..., add port|uplink P ...,
// remove port P; after "refused" the switch must refuse it, and go on as before.
func (w *story) change(verb string, args []string) error {
	refused := verb == "refused"
	if refused {
		verb, args = args[0], args[1:]
	}
	old := w.c
	w.c = w.s.Config()
	var err error
	switch verb {
	case "add":
		err = w.declare(args[0], args[1:])
	case "remove":
		w.c.Ports = slices.DeleteFunc(w.c.Ports, func(p Port) bool { return p.Name == args[1] })
	case "set":
		what, name, rest := args[0], "", args[1:]
		if what != "switch" {
			name, rest = rest[0], rest[1:]
		}
		err = w.apply(what, name, rest)
	default:
		err = fmt.Errorf("%q changes nothing", verb)
	}
	if err != nil {
		return err
	}
	err = w.s.Configure(w.now, w.c)
	if !refused {
		if err == nil && verb == "add" {
			w.plug(w.c.Ports[len(w.c.Ports)-1])
		}
		return err
	}
	w.c = old
	if err == nil {
		return errors.New("was not refused")
	}
	return nil
}

// apply lays KEY=VALUE words over the switch, a group or a port.
func (w *story) apply(what, name string, words []string) error {
	var spec *Spec
	var group *Group
	var port *Port
	switch what {
	case "switch":
		spec = &w.c.Spec
	case "group":
		i := slices.IndexFunc(w.c.Groups, func(g Group) bool { return g.Name == name })
		if i < 0 {
			return fmt.Errorf("no group %q", name)
		}
		group, spec = &w.c.Groups[i], &w.c.Groups[i].Spec
	case "port", "uplink":
		i := slices.IndexFunc(w.c.Ports, func(p Port) bool { return p.Name == name })
		if i < 0 {
			return fmt.Errorf("no port %q", name)
		}
		port, spec = &w.c.Ports[i], &w.c.Ports[i].Spec
	default:
		return fmt.Errorf("%q is not switch, group or port", what)
	}
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		ok, err := w.specKey(spec, key, value)
		if !ok && port != nil {
			ok, err = w.portKey(port, key, value)
		}
		if !ok && group != nil && key == "overrides" {
			ok, group.Overrides = true, 0
			for _, o := range strings.Split(value, ",") {
				group.Overrides |= map[string]Overrides{"security": OverrideSecurity, "vlan": OverrideVLAN, "teaming": OverrideTeaming, "blocked": OverrideBlocked}[o]
			}
		}
		if !ok && what == "switch" {
			ok, err = w.switchKey(key, value)
		}
		if !ok {
			err = fmt.Errorf("%q is not a key of a %s", key, what)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// yes reads the two words of a switch, however they are called; "inherit" is nil.
func yes(s string) *bool {
	if s == "inherit" {
		return nil
	}
	b := s == "accept" || s == "on" || s == "yes" || s == "drop"
	return &b
}

func list(s string) []string {
	if s == "none" {
		return []string{}
	}
	return strings.Split(s, ",")
}

func (w *story) specKey(s *Spec, key, value string) (bool, error) {
	var err error
	switch key {
	case "promiscuous":
		s.Promiscuous = yes(value)
	case "mac_changes":
		s.MACChanges = yes(value)
	case "forged_transmits":
		s.ForgedTransmits = yes(value)
	case "blocked":
		s.Blocked = yes(value)
	case "mac_learning":
		s.Learning.Enabled = yes(value)
	case "flooding":
		s.Learning.Flooding = yes(value)
	case "limit_policy":
		s.Learning.Drop = yes(value)
	case "limit":
		n, e := strconv.Atoi(value)
		s.Learning.Limit, err = &n, e
	case "learning_ageing":
		d, e := time.ParseDuration(value)
		s.Learning.Ageing, err = &d, e
	case "vlan":
		s.VLAN, err = parseVLAN(value)
	case "teaming":
		p, ok := map[string]TeamingPolicy{"originating_port": OriginatingPort, "source_mac": SourceMAC, "ip_hash": IPHash, "explicit": Explicit}[value]
		if !ok {
			err = fmt.Errorf("no teaming policy %q", value)
		}
		s.Teaming.Policy = &p
	case "active":
		s.Teaming.Active = list(value)
	case "standby":
		s.Teaming.Standby = list(value)
	case "failback":
		s.Teaming.Failback = yes(value)
	case "notify":
		s.Teaming.Notify = yes(value)
	case "source_check":
		s.SourceCheck, err = w.sourceCheck(value)
	default:
		return false, nil
	}
	return true, err
}

func (w *story) sourceCheck(value string) (*SourceCheck, error) {
	mode, addresses, _ := strings.Cut(value, ":")
	c := &SourceCheck{Mode: map[string]SourceCheckMode{"initial": CheckInitial, "allowed": CheckAllowed}[mode]}
	if addresses == "" {
		return c, nil
	}
	for _, a := range strings.Split(addresses, ",") {
		m, err := w.mac(a)
		if err != nil {
			return nil, err
		}
		c.Allowed = append(c.Allowed, m)
	}
	return c, nil
}

func parseVLAN(value string) (*VLAN, error) {
	if value == "trunk" {
		return &VLAN{Mode: Trunk, Ranges: []VLANRange{{0, 4094}}}, nil
	}
	v := &VLAN{}
	if id, ok := strings.CutPrefix(value, "pvlan:"); ok {
		v.Mode, value = PrivateVLAN, id
	} else if strings.ContainsAny(value, ",-") {
		v.Mode = Trunk
		for _, r := range strings.Split(value, ",") {
			first, last, both := strings.Cut(r, "-")
			if !both {
				last = first
			}
			a, err1 := strconv.Atoi(first)
			b, err2 := strconv.Atoi(last)
			if err := errors.Join(err1, err2); err != nil {
				return nil, err
			}
			v.Ranges = append(v.Ranges, VLANRange{a, b})
		}
		return v, nil
	}
	id, err := strconv.Atoi(value)
	v.ID = id
	return v, err
}

func (w *story) portKey(p *Port, key, value string) (bool, error) {
	var err error
	switch key {
	case "group":
		p.Group = value
	case "mac":
		p.Initial, err = w.mac(value)
	case "mtu":
		p.MTU, err = strconv.Atoi(value)
	case "down":
		p.Down = *yes(value)
	case "isolated":
		p.Isolated = *yes(value)
	case "hairpin":
		p.Hairpin = *yes(value)
	default:
		return false, nil
	}
	return true, err
}

func (w *story) switchKey(key, value string) (bool, error) {
	flags := map[string]*bool{
		"block_guest_bpdu": &w.c.BlockGuestBPDU, "reverse_path_check": &w.c.ReversePathCheck, "reverse_path_check_promiscuous": &w.c.ReversePathCheckPromiscuous,
		"link_local_drop": &w.c.LinkLocal, "conflict_host_wide": &w.c.ConflictHostWide, "promiscuous_port_group": &w.c.PromiscuousPortGroup,
		"promiscuous_assumed": &w.c.PromiscuousAssumed, "learn_before_link_local": &w.c.LearnBeforeLinkLocal, "block_pvst": &w.c.BlockPVST, "transmit_to_uplink": &w.c.TransmitToUplink,
	}
	if f := flags[key]; f != nil {
		*f = *yes(value)
		return true, nil
	}
	var err error
	switch key {
	case "learning_admits":
		w.c.LearningAdmits = yes(value)
	case "ageing":
		w.c.Ageing, err = time.ParseDuration(value)
	case "fdb_size":
		w.c.FDBSize, err = strconv.Atoi(value)
	case "max_ports":
		w.c.MaxPorts, err = strconv.Atoi(value)
	default:
		return false, nil
	}
	return true, err
}
