package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"labctl/topology/randlab"
)

// drawnSeeds are the seeds of the labs that every run tries: small ones, with a bridge, and with a router between a
// standard switch and a learning one. "make proof" tries others too, and says which.
func drawnSeeds() []uint64 {
	seeds := []uint64{3, 71}
	if os.Getenv("LABCTL_PROOF") != "" {
		for range 30 {
			seeds = append(seeds, rand.Uint64N(1<<32))
		}
	}
	return seeds
}

// pinged asks all from one node by ping(8), each from tables of its own that know nobody, and returns for each address
// what it says.
func pinged(lab, from string, addrs []string) map[string]string {
	GinkgoHelper()
	var sh strings.Builder
	for _, a := range addrs {
		fmt.Fprintf(&sh, "ip neigh flush all; ping -n -c1 -W2 %s 2>&1; rc=$?; echo; echo \"== %s $rc\"\n", a, a)
	}
	r := labctl("exec", "-l", lab, from, "--", "sh", "-c", sh.String())
	Expect(r).To(Exit(0))
	out := map[string]string{}
	text := ""
	for line := range strings.Lines(r.out) {
		rest, ok := strings.CutPrefix(line, "== ")
		if !ok {
			text += line
			continue
		}
		addr, code, _ := strings.Cut(strings.TrimSpace(rest), " ")
		out[addr], text = code+"\n"+text, ""
	}
	Expect(out).To(HaveLen(len(addrs)), r.out)
	return out
}

var _ = Describe("a lab drawn by chance", func() {
	for _, seed := range drawnSeeds() {
		It(fmt.Sprintf("of seed %d answers labctl as it answers ping(8)", seed), Label("slow"), func() {
			lab := randlab.Draw(seed)
			up(write("drawn.yaml", lab.Text))
			name := fmt.Sprintf("seed-%d", seed)
			r := labctl("matrix", "-l", name, "-o", "json")
			Expect(r.code).To(BeElementOf(0, 1), r.String()) // a node that is down cannot be asked by ARP
			var doc struct {
				Cells []struct{ From, To, Addr, Outcome, Detail string }
			}
			Expect(json.Unmarshal([]byte(r.out), &doc)).To(Succeed())
			addrs := map[string][]string{}
			for _, c := range doc.Cells {
				addrs[c.From] = append(addrs[c.From], c.Addr)
			}
			said := map[string]map[string]string{}
			for from, to := range addrs {
				said[from] = pinged(name, from, to)
			}
			for _, c := range doc.Cells {
				ping := said[c.From][c.Addr]
				answered := strings.HasPrefix(ping, "0\n")
				Expect(strings.HasPrefix(c.Outcome, "ok")).To(Equal(answered), "seed %d (%v), %s -> %s: %s: %s, and ping says\n%s\n%s",
					seed, lab.Features, c.From, c.To, c.Outcome, c.Detail, ping, lab.Text)
			}
		})
	}
})
