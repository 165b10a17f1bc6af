package switchcore

import "slices"

// policyChanges tells which policies differ between two configurations.
type policyChanges struct {
	events  *eventLog
	was, is *Config
}

// tell compares all levels. A change that a group or port only inherits is told once, at the level above; ports and
// groups that are new have no past.
func (c *policyChanges) tell(ports []*port) {
	top := c.level(nil, &Port{}, &Port{}, nil)
	inGroup := map[string][]change{"": top}
	for i := range c.is.Groups {
		name := c.is.Groups[i].Name
		if c.was.group(name) != nil {
			inGroup[name] = c.level(nil, &Port{Group: name}, &Port{Group: name}, top)
		}
	}
	for _, p := range ports {
		i := slices.IndexFunc(c.was.Ports, func(o Port) bool {
			return o.Name == p.conf.Name && o.Uplink == p.conf.Uplink
		})
		if i >= 0 {
			c.level(p, &c.was.Ports[i], &p.conf, inGroup[p.conf.Group])
		}
	}
}

// change is one policy that differs.
type change struct{ key, old, new string }

// level tells the changes of one level, without those of the level above, and returns all of them.
func (c *policyChanges) level(p *port, was, is *Port, above []change) []change {
	var all []change
	old := c.was.words(was)
	for i, t := range c.is.words(is) {
		if old[i].value == t.value {
			continue
		}
		one := change{t.key, old[i].value, t.value}
		all = append(all, one)
		if !slices.Contains(above, one) {
			c.events.add(EventPolicyChanged, p, one.old, one.new, one.key)
		}
	}
	return all
}
