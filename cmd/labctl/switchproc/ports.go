//go:build linux

package switchproc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"labctl/cmd/labctl/wire"
	"labctl/switchcore"
	"labctl/switchcore/datapath"
	"labctl/topology/kernel"
)

// NICOptions say what a port is to be, and how much was insisted on.
type NICOptions struct {
	Group  string
	Uplink bool
	MAC    string // the address of the adapter behind the port; needed where a switch does not learn
	// Addresses lets an interface be taken that has addresses of this machine, ports of bridges and bonds included.
	Addresses bool
	// DefaultRoute counts how often it was said that even the interface of the default route may be taken: twice is
	// enough.
	DefaultRoute int
}

// NIC is an interface with sockets in its network namespace, ready to become a port.
type NIC struct {
	Warnings []string
	params   wire.AddPort
	files    [2]*os.File // a packet socket for the frames, and one to look at the interface by
}

// Close lets go of the sockets.
func (n *NIC) Close() {
	for _, f := range n.files {
		if f != nil {
			f.Close()
		}
	}
}

// OpenNIC opens an interface of the network namespace that this process is in, and changes nothing there. It refuses
// what would cut the machine off, or what is in use otherwise.
func OpenNIC(name string, o NICOptions) (*NIC, error) {
	d, err := kernel.FindDevice(name)
	if errors.Is(err, kernel.ErrNoDevice) {
		return nil, wire.Usagef("there is no interface %q here; \"ip link\" lists them", name)
	}
	if err != nil {
		return nil, err
	}
	n := &NIC{params: wire.AddPort{Name: name, Index: d.Index, Group: o.Group, Uplink: o.Uplink, MAC: o.MAC}}
	if err := n.judge(d, o); err != nil {
		return nil, err
	}
	for i := range n.files {
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if errors.Is(err, unix.EPERM) {
			err = wire.Unsupported.Errorf("a packet socket needs the capability CAP_NET_RAW in this network " +
				"namespace: run as root, or in a namespace of your own (unshare -rn)")
		}
		if err != nil {
			n.Close()
			return nil, err
		}
		n.files[i] = os.NewFile(uintptr(fd), name)
	}
	return n, nil
}

// judge says what speaks against taking an interface.
func (n *NIC) judge(d kernel.Device, o NICOptions) error {
	if !d.Ethernet {
		return wire.Usagef("%s is not an Ethernet interface", d.Name)
	}
	if d.Default && o.DefaultRoute < 2 {
		return wire.Usagef("%s carries the default route: a switch on it can cut this machine off, and frames of the "+
			"machine's own would be on both; whoever means it says --force-default-route twice", d.Name)
	}
	if !d.Up {
		return wire.Usagef("%s is down: ip link set %s up", d.Name, d.Name)
	}
	if d.Master != "" && !o.Addresses {
		return wire.Usagef("%s is in use: it is a port of %s; take it out of there, or use --force", d.Name, d.Master)
	}
	var global, local []string
	for _, a := range d.Addrs {
		if a.Addr().IsLinkLocalUnicast() && a.Addr().Is6() {
			local = append(local, a.String())
		} else {
			global = append(global, a.String())
		}
	}
	if len(global) > 0 && !o.Addresses {
		return wire.Usagef("%s has the address %s: this machine would answer there beside the switch; remove it (ip "+
			"addr del), or use --force", d.Name, strings.Join(global, ", "))
	}
	if own := append(global, local...); len(own) > 0 {
		n.Warnings = append(n.Warnings, fmt.Sprintf("%s has the address %s: this machine itself answers there", d.Name,
			strings.Join(own, ", ")))
	}
	return nil
}

// add makes an interface a port. It does not take the files over.
func (s *standalone) add(p wire.AddPort, files []*os.File) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	fd, err := unix.FcntlInt(files[0].Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return err
	}
	n := &nic{name: p.Name, device: p.Name, index: p.Index, up: true}
	if err := s.configureLocked(n, p, files); err != nil {
		unix.Close(fd)
		return err
	}
	// A descriptor that Go's File was made of may have been made blocking by Fd.
	if err := errors.Join(unix.SetNonblock(fd, true),
		s.loop.Attach(n.id, datapath.Port{FD: fd, Index: p.Index, Promiscuous: true})); err != nil {
		n.look.Close()
		return errors.Join(fmt.Errorf("%s: %w", p.Name, err), s.removeLocked(n))
	}
	s.nics = append(s.nics, n)
	mac, _ := switchcore.ParseMAC(p.MAC)
	s.loop.Do(func(now time.Duration, sw *switchcore.Switch) {
		sw.Connect(now, n.id, switchcore.Filter{MAC: mac, AllMulti: true})
	})
	s.lookLocked(n)
	return nil
}

// configureLocked gives the switch a port for n.
func (s *standalone) configureLocked(n *nic, p wire.AddPort, files []*os.File) error {
	var err error
	if n.cookie, err = unix.GetsockoptUint64(int(files[1].Fd()), unix.SOL_SOCKET, unix.SO_NETNS_COOKIE); err != nil {
		return fmt.Errorf("tell the network namespace of %s: %w", p.Name, err)
	}
	for _, have := range s.nics {
		if have.cookie == n.cookie && have.index == n.index || have.name == p.Name {
			return wire.Usagef("%s is a port of %s already", p.Name, s.name)
		}
	}
	port := switchcore.Port{Name: p.Name, Group: p.Group, Uplink: p.Uplink}
	if p.MAC != "" {
		mac, err := switchcore.ParseMAC(strings.ToLower(p.MAC))
		if err != nil {
			return wire.Usagef("--mac %q: %v", p.MAC, err)
		}
		port.Initial = mac
	}
	var conf switchcore.Config
	s.loop.Do(func(_ time.Duration, sw *switchcore.Switch) { conf = sw.Config() })
	if conf.Profile != switchcore.Learning && !p.Uplink && p.MAC == "" {
		return wire.Usagef("%s is a %s switch, which learns no addresses: labctl switch add %s %s --mac ADDRESS, "+
			"that of the adapter behind it, or --uplink", s.name, s.preset, s.name, p.Name)
	}
	if conf.MaxPorts > 0 && len(conf.Ports) >= conf.MaxPorts {
		return wire.Failed.Errorf("%s is full: a %s switch has at most %d ports", s.name, s.preset, conf.MaxPorts)
	}
	if p.Group != "" && !slices.ContainsFunc(conf.Groups, func(g switchcore.Group) bool { return g.Name == p.Group }) {
		conf.Groups = append(conf.Groups, switchcore.Group{Name: p.Group})
	}
	conf.Ports = append(conf.Ports, port)
	s.loop.Do(func(now time.Duration, sw *switchcore.Switch) {
		if err = sw.Configure(now, conf); err == nil {
			n.id = sw.Lookup(p.Name)
		}
	})
	if err != nil {
		return wire.Usage.Errorf("%v", err)
	}
	look, err := unix.FcntlInt(files[1].Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return errors.Join(err, s.removeLocked(n))
	}
	n.look = os.NewFile(uintptr(look), p.Name)
	return nil
}

// removeLocked takes the port out of the switch, which forgets all that it has learned there and closes its socket.
func (s *standalone) removeLocked(n *nic) (err error) {
	s.loop.Do(func(now time.Duration, sw *switchcore.Switch) {
		conf := sw.Config()
		conf.Ports = slices.DeleteFunc(conf.Ports, func(p switchcore.Port) bool { return p.Name == n.name })
		err = sw.Configure(now, conf)
	})
	return err
}

func (s *standalone) delete(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.findLocked(name)
	if n == nil {
		var have []string
		for _, k := range s.nics {
			have = append(have, k.name)
		}
		if len(have) == 0 {
			return wire.Usagef("%s has no port %q; it has none", s.name, name)
		}
		return wire.Usagef("%s has no port %q; it has %s", s.name, name, strings.Join(have, ", "))
	}
	return s.dropLocked(n)
}

func (s *standalone) dropLocked(n *nic) error {
	s.nics = slices.DeleteFunc(s.nics, func(k *nic) bool { return k == n })
	n.look.Close()
	return s.removeLocked(n)
}

// watchEvery is how often interfaces are looked at. Nothing tells a packet socket of a carrier, and for what it is
// told, that its interface is down or gone, the data path listens itself.
const watchEvery = 200 * time.Millisecond

// watch follows the interfaces until ctx ends.
func (s *standalone) watch(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s.mu.Lock()
		for _, n := range slices.Clone(s.nics) {
			s.lookLocked(n)
		}
		s.mu.Unlock()
	}
}

// lookLocked takes over what became of an interface: its carrier, another name, or its end.
func (s *standalone) lookLocked(n *nic) {
	name, flags, err := interfaceAt(int(n.look.Fd()), n.index)
	switch {
	case errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENXIO):
		s.logf("%s: the interface is gone, and so is the port", n.name)
		if err := s.dropLocked(n); err != nil {
			s.logf("%s: %v", n.name, err)
		}
		return
	case err != nil:
		return // renamed between two questions
	}
	if name != n.device {
		s.logf("%s: the interface is called %s now", n.name, name)
		n.device = name
	}
	if up := flags&unix.IFF_UP != 0 && flags&unix.IFF_RUNNING != 0; up != n.up {
		n.up = up
		s.loop.Do(func(now time.Duration, sw *switchcore.Switch) { sw.SetLink(now, n.id, up) })
	}
}

// interfaceAt asks for the name and the flags of an interface by a socket of its namespace (netdevice(7)).
func interfaceAt(fd, index int) (name string, flags uint16, err error) {
	r, err := unix.NewIfreq("?")
	if err != nil {
		return "", 0, err
	}
	r.SetUint32(uint32(index))
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFNAME, r); err != nil {
		return "", 0, err
	}
	name = r.Name()
	err = unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, r)
	return name, r.Uint16(), err
}
