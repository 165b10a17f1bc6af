//go:build linux

package supervisor

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"labctl/cmd/labctl/wire"
	"labctl/topology"
)

// Lengths for a listening socket: the longest frame that segmentation offload makes by default (GSO_LEGACY_MAX_SIZE),
// with its header and tags; what the kernel keeps while nobody reads; and how much is passed on at once.
const (
	captureRoom  = 1<<16 + 64
	captureQueue = 32 << 20
	captureBatch = 64
)

// socketSource copies from an interface by a packet socket (packet(7)). Unless it is promiscuous the interface does not
// notice.
type socketSource struct {
	end    topology.End
	list   []wire.CapturePlace
	file   *os.File
	raw    syscall.RawConn
	buf    []byte
	oob    []byte
	forget func()
	once   sync.Once

	mu      sync.Mutex
	dropped uint64
}

// newSocketSource takes ownership of fd, a packet socket that is bound to nothing yet, also if it fails.
func newSocketSource(end topology.End, fd, index int, promiscuous bool) (*socketSource, error) {
	if err := setUpListener(fd, index, promiscuous); err != nil {
		unix.Close(fd)
		return nil, err
	}
	s := &socketSource{end: end, file: os.NewFile(uintptr(fd), end.String()), buf: make([]byte, captureRoom),
		oob: make([]byte, 256), forget: func() {}}
	what := "interface"
	if promiscuous {
		what = "interface, promiscuous"
	}
	s.list = []wire.CapturePlace{{Name: end.String(), Description: what + ": " + wire.VnicTx + ", " + wire.VnicRx}}
	var err error
	if s.raw, err = s.file.SyscallConn(); err != nil {
		s.file.Close()
		return nil, err
	}
	return s, nil
}

func setUpListener(fd, index int, promiscuous bool) error {
	if err := unix.SetNonblock(fd, true); err != nil {
		return err
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_AUXDATA, 1); err != nil {
		return fmt.Errorf("set PACKET_AUXDATA: %w", err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		return fmt.Errorf("set SO_TIMESTAMPNS: %w", err)
	}
	// Only root of the machine may ask for more than net.core.rmem_max.
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, captureQueue) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, captureQueue)
	}
	if promiscuous {
		m := unix.PacketMreq{Ifindex: int32(index), Type: unix.PACKET_MR_PROMISC}
		if err := unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &m); err != nil {
			return fmt.Errorf("ask for all frames: %w", err)
		}
	}
	var all [2]byte
	binary.BigEndian.PutUint16(all[:], unix.ETH_P_ALL)
	return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: binary.NativeEndian.Uint16(all[:]), Ifindex: index})
}

func (s *socketSource) places() []wire.CapturePlace { return s.list }

func (s *socketSource) close() {
	s.once.Do(func() {
		s.count()
		s.forget()
		s.file.Close()
	})
}

// count adds what the kernel has thrown away since it was last asked.
func (s *socketSource) count() {
	_ = s.raw.Control(func(fd uintptr) {
		st, err := unix.GetsockoptTpacketStats(int(fd), unix.SOL_PACKET, unix.PACKET_STATISTICS)
		if err != nil {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.dropped += uint64(st.Drops)
	})
}

func (s *socketSource) lost() uint64 {
	s.count()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dropped
}

func (s *socketSource) frames(ctx context.Context) ([]wire.CapturedFrame, error) {
	defer context.AfterFunc(ctx, func() { _ = s.file.SetReadDeadline(time.Now()) })()
	var out []wire.CapturedFrame
	var trouble error
	err := s.raw.Read(func(fd uintptr) bool {
		for len(out) < captureBatch {
			f, err := s.receive(int(fd))
			switch {
			case err == nil:
				out = append(out, f)
			case errors.Is(err, unix.EINTR):
			case errors.Is(err, unix.EAGAIN):
				return len(out) > 0 || ctx.Err() != nil
			case errors.Is(err, unix.ENETDOWN): // it may be up again; deletion closes the socket
				return len(out) > 0
			default:
				trouble = err
				return true
			}
		}
		return true
	})
	switch {
	case ctx.Err() != nil:
		return append(out, s.rest()...), context.Cause(ctx)
	case err != nil: // closed, as the node goes
		return out, fmt.Errorf("%s: %w", s.end, errSourceEnded)
	case trouble != nil:
		return out, fmt.Errorf("%s: %w (%v)", s.end, errSourceEnded, trouble)
	}
	return out, nil
}

// rest is what the socket has just now.
func (s *socketSource) rest() (out []wire.CapturedFrame) {
	_ = s.raw.Control(func(fd uintptr) {
		for len(out) < captureBatch {
			f, err := s.receive(int(fd))
			if err != nil {
				return
			}
			out = append(out, f)
		}
	})
	return out
}

// receive takes one frame.
func (s *socketSource) receive(fd int) (wire.CapturedFrame, error) {
	n, oobn, _, from, err := unix.Recvmsg(fd, s.buf, s.oob, unix.MSG_DONTWAIT)
	if err != nil {
		return wire.CapturedFrame{}, err
	}
	f := wire.CapturedFrame{Name: s.end.String(), Point: wire.VnicRx, Length: n}
	if ll, ok := from.(*unix.SockaddrLinklayer); ok && ll.Pkttype == unix.PACKET_OUTGOING {
		f.Point = wire.VnicTx
	}
	tag, length := s.ancillary(oobn, &f.Time)
	f.Data = withTag(s.buf[:n], tag)
	f.Length = max(length, n) + len(tag)
	return f, nil
}

// ancillary reads what came beside a frame: when it was seen, the tag that the kernel has taken out, and its length.
func (s *socketSource) ancillary(n int, seen *time.Time) (tag []byte, length int) {
	*seen = time.Now()
	msgs, err := unix.ParseSocketControlMessage(s.oob[:n])
	if err != nil {
		return nil, 0
	}
	for _, m := range msgs {
		switch {
		case m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS &&
			len(m.Data) >= int(unsafe.Sizeof(unix.Timespec{})):
			*seen = time.Unix((*unix.Timespec)(unsafe.Pointer(&m.Data[0])).Unix())
		case m.Header.Level == unix.SOL_PACKET && m.Header.Type == unix.PACKET_AUXDATA &&
			len(m.Data) >= int(unsafe.Sizeof(unix.TpacketAuxdata{})):
			a := (*unix.TpacketAuxdata)(unsafe.Pointer(&m.Data[0]))
			length = int(a.Len)
			if a.Status&unix.TP_STATUS_VLAN_VALID == 0 {
				continue
			}
			tpid := uint16(unix.ETH_P_8021Q)
			if a.Status&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
				tpid = a.Vlan_tpid
			}
			tag = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, tpid), a.Vlan_tci)
		}
	}
	return tag, length
}

// withTag is a copy of a frame with a tag put in behind its addresses.
func withTag(frame, tag []byte) []byte {
	at := min(12, len(frame))
	if at < 12 {
		tag = nil
	}
	out := make([]byte, 0, len(frame)+len(tag))
	return append(append(append(out, frame[:at]...), tag...), frame[at:]...)
}

// errSourceEnded means that what a capture copies from is there no longer.
var errSourceEnded = errors.New("it is gone")

// captures are the sockets in the nodes that captures hold open. As long as one is open, the kernel keeps its
// namespace, so they are closed before a node goes.
type captures struct {
	mu   sync.Mutex
	open map[*socketSource]bool
}

func (k *captures) add(s *socketSource) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.open == nil {
		k.open = map[*socketSource]bool{}
	}
	k.open[s] = true
	s.forget = func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		delete(k.open, s)
	}
}

// closeIn ends the captures in some nodes, in all if gone is nil.
func (k *captures) closeIn(gone map[string]bool) {
	k.mu.Lock()
	var list []*socketSource
	for s := range k.open {
		if gone == nil || gone[s.end.Node] {
			list = append(list, s)
		}
	}
	k.mu.Unlock()
	for _, s := range list {
		s.close()
	}
}
