//go:build linux

package kernel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Of linux/if_link.h and linux/rtnetlink.h.
const (
	rtmGetStats    = 94
	rtmNewStats    = 92
	sizeofStatsMsg = 12 // struct if_stats_msg
	statsLink64    = 1  // IFLA_STATS_LINK_64
	sizeofTcMsg    = 20 // struct tcmsg
	tcaStats2      = 7
	tcaStatsQueue  = 3
)

var digestSeed = maphash.MakeSeed()

// Counters is a digest of what all interfaces of a node have received, sent and dropped: two readings are the same if
// nothing has been counted between them. It has no meaning outside this process.
func (t Tables) Counters(node string) (digest uint64, err error) {
	n, err := t.space.of(node)
	if err != nil {
		return 0, err
	}
	var ask [sizeofStatsMsg]byte
	binary.NativeEndian.PutUint32(ask[8:], 1<<(statsLink64-1))
	var b [64]byte
	req, start := message(b[:0], rtmGetStats, unix.NLM_F_DUMP, ask[:])
	var h maphash.Hash
	h.SetSeed(digestSeed)
	err = n.conn.exchange(finish(req, start), func(typ uint16, b []byte) {
		if typ == rtmNewStats {
			h.Write(b)
		}
	}, nil)
	if err != nil {
		return 0, fmt.Errorf("%s: read counters: %w", node, err)
	}
	return h.Sum64(), nil
}

// Queues lists the interfaces of a node, by their index, whose queueing disciplines hold packets.
func (t Tables) Queues(node string) (held []int, err error) {
	n, err := t.space.of(node)
	if err != nil {
		return nil, err
	}
	var b [64]byte
	req, start := message(b[:0], unix.RTM_GETQDISC, unix.NLM_F_DUMP, make([]byte, sizeofTcMsg))
	err = n.conn.exchange(finish(req, start), func(typ uint16, b []byte) {
		if typ != unix.RTM_NEWQDISC || len(b) < sizeofTcMsg {
			return
		}
		index := int(int32(binary.NativeEndian.Uint32(b[4:])))
		attributes(b[sizeofTcMsg:], func(typ uint16, v []byte) {
			if typ != tcaStats2 {
				return
			}
			attributes(v, func(typ uint16, v []byte) {
				// struct gnet_stats_queue: packets, bytes
				if typ == tcaStatsQueue && len(v) >= 8 && binary.NativeEndian.Uint64(v) != 0 {
					held = append(held, index)
				}
			})
		})
	}, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: read queueing disciplines: %w", node, err)
	}
	return held, nil
}

// backlogColumn is where /proc/net/softnet_stat says how many packets wait for a processor, since Linux 5.10.
const backlogColumn = 11

// Backlogged is how many packets of the whole machine wait for a processor to take them in.
func Backlogged() (sum uint64, err error) {
	b, err := os.ReadFile("/proc/net/softnet_stat")
	if err != nil {
		return 0, err
	}
	return backlogIn(b)
}

func backlogIn(table []byte) (sum uint64, err error) {
	for line := range bytes.Lines(table) {
		words := bytes.Fields(line)
		if len(words) <= backlogColumn {
			return 0, errors.New("/proc/net/softnet_stat does not tell how many packets wait (Linux 5.10 does)")
		}
		n, err := strconv.ParseUint(string(words[backlogColumn]), 16, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/net/softnet_stat: %w", err)
		}
		sum += n
	}
	return sum, nil
}

const membarrierGlobal = 1 // MEMBARRIER_CMD_GLOBAL

// Fence returns when every processor has left what its kernel was doing with packets when Fence was called: an RCU
// grace period (membarrier(2)), which takes 8 to 16 ms. The error is EINVAL on a machine with nohz_full processors.
func Fence() error {
	_, _, errno := unix.Syscall(unix.SYS_MEMBARRIER, membarrierGlobal, 0, 0)
	if errno != 0 {
		return fmt.Errorf("membarrier: %w", errno)
	}
	return nil
}
