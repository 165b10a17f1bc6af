//go:build linux

package kernel

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"

	"labctl/topology"
)

// Sent is what the sending end of a cable says: the longest packet that it sends, in bytes, and how many frames the
// other end has not taken. A veth pair counts there, at tx_dropped, what was longer than the other end takes by more
// than 4 bytes (is_skb_forwardable, net/core/dev.c), and what no processor had room for ([BacklogDrops]).
type Sent struct {
	MTU     int
	Dropped uint64
}

// Sent reads it of an interface.
func (t Tables) Sent(e topology.End) (out Sent, err error) {
	err = t.reading(e.Node, func(n *namespace, h *netlink.Handle) error {
		l, err := h.LinkByName(e.Interface)
		if err != nil {
			return n.linkError(e.Interface, err)
		}
		a := l.Attrs()
		if out.MTU = a.MTU; a.Statistics == nil {
			return fmt.Errorf("%s: the kernel says nothing of its counters", e)
		}
		out.Dropped = a.Statistics.TxDropped
		return nil
	})
	return out, err
}

// FramesReceived is how many frames an interface has received since it was made (IFLA_STATS64).
func (t Tables) FramesReceived(at topology.End) (frames uint64, err error) {
	err = t.reading(at.Node, func(n *namespace, h *netlink.Handle) error {
		l, err := h.LinkByName(at.Interface)
		if err != nil {
			return n.linkError(at.Interface, err)
		}
		if st := l.Attrs().Statistics; st != nil {
			frames = st.RxPackets
		}
		return nil
	})
	return frames, err
}

// BacklogDrops is how many frames the whole machine has thrown away because they came faster than its processors took
// them: the second column of /proc/net/softnet_stat, in hex.
func BacklogDrops() (sum uint64, err error) {
	b, err := os.ReadFile("/proc/net/softnet_stat")
	if err != nil {
		return 0, err
	}
	for _, line := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		words := strings.Fields(line)
		if len(words) < 2 {
			return 0, fmt.Errorf("/proc/net/softnet_stat: a line without its second column: %q", line)
		}
		n, err := strconv.ParseUint(words[1], 16, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/net/softnet_stat: %w", err)
		}
		sum += n
	}
	return sum, nil
}
