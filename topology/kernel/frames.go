//go:build linux

package kernel

import (
	"github.com/vishvananda/netlink"

	"labctl/topology"
)

// FramesReceived is how many frames an interface has received since it was made (IFLA_STATS64).
func (s *Space) FramesReceived(at topology.End) (frames uint64, err error) {
	err = s.onLink(at.Node, at.Interface, func(_ *netlink.Handle, l netlink.Link) error {
		if st := l.Attrs().Statistics; st != nil {
			frames = st.RxPackets
		}
		return nil
	})
	return frames, err
}
