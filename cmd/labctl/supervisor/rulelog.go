//go:build linux

package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/florianl/go-nflog/v2"
	"golang.org/x/sys/unix"

	"labctl/cmd/labctl/pcap"
	"labctl/cmd/labctl/wire"
	"labctl/topology"
	"labctl/topology/kernel"
	"labctl/topology/rules"
)

// ruleLog listens to what the rules of all nodes log, from the moment they are loaded, and remembers the last of it.
type ruleLog struct {
	space *kernel.Space

	*ring[wire.Logged]

	mu        sync.Mutex
	listeners map[logPlace]*logListener
}

// logPlace is an NFLOG group of a namespace.
type logPlace struct {
	node  string
	inode uint64
	group uint16
}

type logListener struct {
	socket *nflog.Nflog
	cancel context.CancelFunc
	names  map[uint32]string // of interfaces; the receiving goroutine's own
}

func newRuleLog(space *kernel.Space) *ruleLog {
	return &ruleLog{space: space, ring: newRing[wire.Logged](), listeners: map[logPlace]*logListener{}}
}

// add appends an entry and gives it its number and its time, both in one order for all groups.
func (l *ruleLog) add(e wire.Logged) {
	l.ring.add(func(seq uint64) wire.Logged {
		e.Seq, e.Time = seq, time.Now()
		return e
	})
}

// sync makes the listeners those that the lab's loaded rules need. A group that somebody else listens to already is
// told of in the log, and no reason to give up.
func (l *ruleLog) sync(lab *topology.Lab) {
	want := map[logPlace]bool{}
	for _, n := range lab.Nodes {
		for _, g := range logGroups(n.Rules) {
			want[logPlace{n.Name, l.space.Inode(n.Name), g}] = true
		}
	}
	l.closeWhere(func(p logPlace) bool { return !want[p] })
	for p := range want {
		l.mu.Lock()
		_, have := l.listeners[p]
		l.mu.Unlock()
		if have {
			continue
		}
		k, err := l.listen(p)
		if err != nil {
			l.add(wire.Logged{Node: p.node, What: fmt.Sprintf("cannot listen to NFLOG group %d: %v", p.group, err)})
			continue
		}
		l.mu.Lock()
		l.listeners[p] = k
		l.mu.Unlock()
	}
}

// closeIn lets go of namespaces that are about to be removed; nil means all.
func (l *ruleLog) closeIn(gone map[string]bool) {
	l.closeWhere(func(p logPlace) bool { return gone == nil || gone[p.node] })
}

func (l *ruleLog) closeWhere(which func(logPlace) bool) {
	var closing []*logListener
	l.mu.Lock()
	for p, k := range l.listeners {
		if which(p) {
			closing = append(closing, k)
			delete(l.listeners, p)
		}
	}
	l.mu.Unlock()
	for _, k := range closing {
		k.cancel()
		_ = k.socket.Close()
	}
}

// listen opens the socket on a thread inside the node: the library's own way there and back goes by the thread's number
// below /proc, where it has another one when /proc belongs to another PID namespace.
func (l *ruleLog) listen(p logPlace) (*logListener, error) {
	k := &logListener{names: map[uint32]string{}}
	err := l.space.Enter(p.node, func() (err error) {
		// QThresh: each packet at once, not a hundred together or after a second.
		k.socket, err = nflog.Open(&nflog.Config{Group: p.group, Copymode: nflog.CopyPacket, Bufsize: 256, QThresh: 1})
		return err
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	k.cancel = cancel
	err = k.socket.RegisterWithErrorFunc(ctx, func(a nflog.Attribute) int {
		l.add(l.entry(p.node, k, a))
		return 0
	}, func(err error) int {
		if ctx.Err() == nil && (errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, unix.ENOBUFS) ||
			errors.Is(err, unix.EINTR)) {
			return 0 // some were lost, or nothing happened
		}
		return 1
	})
	if err != nil {
		cancel()
		return nil, errors.Join(err, k.socket.Close())
	}
	return k, nil
}

// entry describes a packet that was logged.
func (l *ruleLog) entry(node string, k *logListener, a nflog.Attribute) wire.Logged {
	e := wire.Logged{Node: node}
	if a.Prefix != nil {
		e.Rule = *a.Prefix
	}
	e.In, e.Out = l.device(node, k, a.PhysInDev, a.InDev), l.device(node, k, a.PhysOutDev, a.OutDev)
	if a.Payload == nil {
		e.What = "nothing"
		return e
	}
	e.Length = len(*a.Payload)
	protocol := uint16(0)
	if a.HwProtocol != nil {
		protocol = *a.HwProtocol
	}
	e.What = pcap.DescribePacket(protocol, *a.Payload)
	return e
}

// device names the first interface that is given.
func (l *ruleLog) device(node string, k *logListener, candidates ...*uint32) string {
	for _, c := range candidates {
		if c == nil || *c == 0 {
			continue
		}
		if _, ok := k.names[*c]; !ok {
			links, err := l.space.Tables().Links(node)
			if err != nil {
				return fmt.Sprint(*c)
			}
			clear(k.names)
			for _, i := range links {
				k.names[uint32(i.Index)] = i.Name
			}
		}
		if name := k.names[*c]; name != "" {
			return name
		}
		return fmt.Sprint(*c)
	}
	return ""
}

var nftGroup = regexp.MustCompile(`\blog\b[^;\n]*\bgroup[ \t]+(\d+)`)

// logGroups are the NFLOG groups that loaded sets send to, sorted.
func logGroups(sets []*rules.Set) []uint16 {
	var out []uint16
	add := func(text string) {
		if n, err := strconv.ParseUint(text, 10, 16); err == nil {
			out = append(out, uint16(n))
		}
	}
	for _, r := range sets {
		if !r.Load {
			continue
		}
		for _, l := range r.Lines {
			if !slices.Contains(l.Args, "NFLOG") {
				continue
			}
			group := "0"
			if i := slices.Index(l.Args, "--nflog-group"); i >= 0 && i+1 < len(l.Args) {
				group = l.Args[i+1]
			}
			add(group)
		}
		for _, m := range nftGroup.FindAllStringSubmatch(r.Text, -1) {
			add(m[1])
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
