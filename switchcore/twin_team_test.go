package switchcore

import (
	"encoding/binary"
	"slices"
)

// team is the uplinks of a port, active and standby, usable or not.
func (t *twin) team(p *twinPort) (team [2][]*twinPort, size int, any bool) {
	var all []string
	for _, u := range t.ports {
		if u.Uplink {
			all = append(all, u.Name)
		}
	}
	order := func(key func(*Spec) []string, otherwise []string) []string {
		return ask(t, p, func(s *Spec) *[]string {
			if l := key(s); l != nil {
				return &l
			}
			return nil
		}, otherwise)
	}
	active := order(func(s *Spec) []string { return s.Teaming.Active }, all)
	for i, list := range [][]string{active, order(func(s *Spec) []string { return s.Teaming.Standby }, nil)} {
		for _, name := range list {
			if i == 1 && slices.Contains(active, name) {
				continue
			}
			any = true
			if u := t.byName(name); t.enabled(u) {
				team[i] = append(team[i], u)
			}
		}
	}
	return team, len(active), any
}

// choose is the uplink that a frame of p leaves by, nil if none is usable.
func (t *twin) choose(p *twinPort, team [2][]*twinPort, size int, f twinFrame) *twinPort {
	list := append(slices.Clone(team[0]), team[1]...)
	list = list[:min(len(list), max(1, size))] // each failed active one is replaced by a standby one
	if len(list) == 0 {
		return nil
	}
	i := 0
	switch ask(t, p, func(s *Spec) *TeamingPolicy { return s.Teaming.Policy }, OriginatingPort) {
	case OriginatingPort:
		i = int(p.id)
	case SourceMAC:
		i = int(f.src[5])
	case IPHash:
		if len(f.data) >= 34 {
			i = int(uint64(binary.BigEndian.Uint32(f.data[26:])^binary.BigEndian.Uint32(f.data[30:])) % uint64(len(list)))
		}
	}
	return list[i%len(list)]
}

// reverseOK: what q sends would leave by u.
func (t *twin) reverseOK(q, u *twinPort, f twinFrame) bool {
	policy := ask(t, q, func(s *Spec) *TeamingPolicy { return s.Teaming.Policy }, OriginatingPort)
	uplinks := 0
	for _, p := range t.ports {
		if p.Uplink {
			uplinks++
		}
	}
	if policy == IPHash || uplinks == 1 {
		return true
	}
	team, size, _ := t.team(q)
	back := twinFrame{src: q.asked.MAC}
	if f.dst[0]&1 == 0 {
		back.src = f.dst
	}
	return t.choose(q, team, size, back) == u
}
