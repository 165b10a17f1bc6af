package reach

import (
	"maps"
	"sync"
	"time"

	"labctl/topology"
)

// background is what a prober has under way between its calls, known to tables by name: streams, forged frames and the
// listeners for them. What its mutex guards is never held while something is waited for.
type background struct {
	mu       sync.Mutex
	streams  map[string]*Stream
	sendings map[string]*Sending
	over     *Overhearing // the listeners that are open, nil if none are
	mark     time.Time    // when the set of the step was done
	markLab  *topology.Lab
	forged   time.Time // when the last forged frame was sent
	spoofing int       // how many spoofings are under way
}

// busy names something that sends by itself in the background, "" being nothing.
func (g *background) busy() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	for name, s := range g.streams {
		if !s.stopped() {
			return "the stream " + name + " is running"
		}
	}
	for name := range g.sendings {
		return "the forged frames " + name + " are being sent"
	}
	if g.spoofing > 0 {
		return "forged ARP replies are being sent"
	}
	return ""
}

// spoofs counts a spoofing that begins, or one that is over.
func (g *background) spoofs(by int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.spoofing += by
}

// marked is the moment of the last mark. Another Lab is another state: nobody having said so, it began when it was
// noticed.
func (g *background) marked(lab *topology.Lab) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.markLab != lab {
		g.mark, g.markLab = time.Now(), lab
	}
	return g.mark
}

// setMark makes this the moment from which streams are judged that are only looked at.
func (g *background) setMark(lab *topology.Lab) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mark, g.markLab = time.Now(), lab
}

// listening is the listeners that are open, nil if none are.
func (g *background) listening() *Overhearing {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.over
}

// forgedAt is when the last forged frame was sent.
func (g *background) forgedAt() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.forged
}

// streamOf is the running stream of that name, or nil.
func (g *background) streamOf(name string) *Stream {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.streams[name]
	if s == nil || s.stopped() {
		return nil
	}
	return s
}

// background is what is being sent at the moment.
func (g *background) sent() map[string]*Sending {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := map[string]*Sending{}
	maps.Copy(out, g.sendings)
	return out
}
