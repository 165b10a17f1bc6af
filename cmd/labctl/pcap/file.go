//go:build linux

package pcap

import (
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"labctl/cmd/labctl/wire"
	"labctl/switchcore/datapath"
)

// File writes captured frames as pcapng (draft-ietf-opsawg-pcapng): one interface for each place, nanoseconds, and as
// the comment of each frame its point and what was decided about it. It is not safe for concurrent use.
type File struct {
	w      *pcapgo.NgWriter
	ids    map[string]int
	order  []string
	frames []uint64 // by interface
	begun  time.Time
}

// NewFile writes the head of a file with the places, of which there must be one at least. The caller closes out.
func NewFile(out io.Writer, places []wire.CapturePlace, begun time.Time) (*File, error) {
	if len(places) == 0 {
		return nil, fmt.Errorf("a capture of nothing")
	}
	o := pcapgo.NgWriterOptions{SectionInfo: pcapgo.NgSectionInfo{Hardware: runtime.GOARCH, OS: runtime.GOOS,
		Application: "labctl " + wire.Version()}}
	w, err := pcapgo.NewNgWriterInterface(out, captureInterfaceOf(places[0]), o)
	if err != nil {
		return nil, err
	}
	f := &File{w: w, ids: map[string]int{}, begun: begun}
	f.name(places[0].Name, 0)
	for _, p := range places[1:] {
		if err := f.add(p); err != nil {
			return nil, err
		}
	}
	return f, w.Flush()
}

func captureInterfaceOf(p wire.CapturePlace) pcapgo.NgInterface {
	return pcapgo.NgInterface{Name: p.Name, Description: p.Description, LinkType: layers.LinkTypeEthernet}
}

func (f *File) add(p wire.CapturePlace) error {
	if _, have := f.ids[p.Name]; have {
		return nil
	}
	id, err := f.w.AddInterface(captureInterfaceOf(p))
	if err == nil {
		f.name(p.Name, id)
	}
	return err
}

func (f *File) name(name string, id int) {
	f.ids[name] = id
	f.order = append(f.order, name)
	f.frames = append(f.frames, 0)
}

// Write adds frames, and passes on what was buffered. A frame of a place that nobody has announced makes a new
// interface.
func (f *File) Write(frames []wire.CapturedFrame) error {
	for i := range frames {
		c := &frames[i]
		if err := f.add(wire.CapturePlace{Name: c.Name}); err != nil {
			return err
		}
		id := f.ids[c.Name]
		f.frames[id]++
		info := gopacket.CaptureInfo{Timestamp: c.Time, CaptureLength: len(c.Data), Length: max(c.Length, len(c.Data)),
			InterfaceIndex: id}
		o := pcapgo.NgPacketOptions{Comments: []string{comment(c)}}
		if d := direction(c.Point); d != pcapgo.NgEpbFlagDirectionUnknown {
			o.Flags = &pcapgo.NgEpbFlags{Direction: d}
		}
		if err := f.w.WritePacketWithOptions(info, c.Data, o); err != nil {
			return err
		}
	}
	return f.w.Flush()
}

// comment is the point of a frame and what was decided about it.
func comment(c *wire.CapturedFrame) string {
	if c.Verdict == "" {
		return c.Point
	}
	return c.Point + ": " + c.Verdict
}

// direction is as the place sees it.
func direction(point string) pcapgo.NgEpbFlag {
	switch point {
	case datapath.PortInput, datapath.UplinkRcv, wire.VnicRx:
		return pcapgo.NgEpbFlagDirectionInbound
	case datapath.PortOutput, datapath.UplinkSnd, wire.VnicTx:
		return pcapgo.NgEpbFlagDirectionOutbound
	}
	return pcapgo.NgEpbFlagDirectionUnknown
}

// End writes how many frames each place had and has lost. Nothing may be written after it.
func (f *File) End(at time.Time, end wire.CaptureEnd) error {
	for id, name := range f.order {
		st := pcapgo.NgInterfaceStatistics{LastUpdate: at, StartTime: f.begun, EndTime: at,
			PacketsReceived: f.frames[id] + end.Lost[name], PacketsDropped: end.Lost[name]}
		if err := f.w.WriteInterfaceStats(id, st); err != nil {
			return err
		}
	}
	return f.w.Flush()
}
