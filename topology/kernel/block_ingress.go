//go:build linux

package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"labctl/topology"
)

// BlockIngress keeps what an interface receives from its node's own stack, which so never answers there; packet sockets
// still hear it, as they come before. That holds until guard is closed, which is the caller's. In the node it shows as
// an nftables table of family netdev that is called "labctl-" and the interface; it belongs to the descriptor, and
// nobody else can change or flush it. Needs Linux 5.12 with nf_tables and its ingress hook, else the error wraps
// [ErrUnsupported].
func (s *Space) BlockIngress(e topology.End) (guard int, err error) {
	guard = -1
	err = s.Enter(e.Node, func() error {
		guard, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK,
			unix.NETLINK_NETFILTER)
		return err
	})
	if err == nil {
		err = ask(guard, dropTable("labctl-"+e.Interface, e.Interface))
	}
	if err == nil {
		return guard, nil
	}
	if guard >= 0 {
		unix.Close(guard)
	}
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EPROTONOSUPPORT) || errors.Is(err, unix.EINVAL) ||
		errors.Is(err, unix.ENOENT) {
		err = fmt.Errorf("%w: %w (needs nf_tables with tables of family netdev that have an owner)", ErrUnsupported,
			err)
	}
	return -1, fmt.Errorf("keep %s from hearing what belongs to the switch: %w", e, err)
}

// dropTable is the batch that makes a table with one chain, which drops what the device receives
// (linux/netfilter/nf_tables.h).
func dropTable(table, device string) []byte {
	const subsystem, owned, dropPolicy = unix.NFNL_SUBSYS_NFTABLES << 8, 2, 0 // NFT_TABLE_F_OWNER, NF_DROP
	text := func(s string) []byte { return append([]byte(s), 0) }
	number := func(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }
	border := []byte{unix.AF_UNSPEC, unix.NFNETLINK_V0, 0, unix.NFNL_SUBSYS_NFTABLES} // struct nfgenmsg
	family := []byte{unix.NFPROTO_NETDEV, unix.NFNETLINK_V0, 0, 0}

	b, start := message(nil, unix.NFNL_MSG_BATCH_BEGIN, 0, border)
	b = finish(b, start)
	b, start = message(b, subsystem|unix.NFT_MSG_NEWTABLE, unix.NLM_F_CREATE|unix.NLM_F_EXCL|unix.NLM_F_ACK, family)
	b = attribute(b, unix.NFTA_TABLE_NAME, text(table))
	b = attribute(b, unix.NFTA_TABLE_FLAGS, number(owned))
	b = finish(b, start)
	hook := attribute(nil, unix.NFTA_HOOK_HOOKNUM, number(unix.NF_NETDEV_INGRESS))
	hook = attribute(hook, unix.NFTA_HOOK_PRIORITY, number(0))
	hook = attribute(hook, unix.NFTA_HOOK_DEV, text(device))
	b, start = message(b, subsystem|unix.NFT_MSG_NEWCHAIN, unix.NLM_F_CREATE|unix.NLM_F_EXCL|unix.NLM_F_ACK, family)
	b = attribute(b, unix.NFTA_CHAIN_TABLE, text(table))
	b = attribute(b, unix.NFTA_CHAIN_NAME, text("ingress"))
	b = attribute(b, unix.NFTA_CHAIN_HOOK|unix.NLA_F_NESTED, hook)
	b = attribute(b, unix.NFTA_CHAIN_POLICY, number(dropPolicy))
	b = attribute(b, unix.NFTA_CHAIN_TYPE, text("filter"))
	b = finish(b, start)
	b, start = message(b, unix.NFNL_MSG_BATCH_END, 0, border)
	return finish(b, start)
}

// ask sends a batch and returns the first error that the kernel answers with. It works the batch off while it is sent.
func ask(fd int, batch []byte) error {
	var seq uint32
	numberRequests(batch, &seq)
	if _, err := unix.Write(fd, batch); err != nil {
		return err
	}
	var buf [4096]byte
	for {
		n, err := unix.Read(fd, buf[:])
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return nil
		case err != nil:
			return err
		}
		for b := buf[:n]; len(b) >= unix.NLMSG_HDRLEN+4; {
			size := int(binary.NativeEndian.Uint32(b))
			if size < unix.NLMSG_HDRLEN+4 || size > len(b) {
				break
			}
			if binary.NativeEndian.Uint16(b[4:]) == unix.NLMSG_ERROR {
				if e := unix.Errno(-int32(binary.NativeEndian.Uint32(b[unix.NLMSG_HDRLEN:]))); e != 0 {
					return e
				}
			}
			b = b[min(len(b), (size+3)&^3):]
		}
	}
}
