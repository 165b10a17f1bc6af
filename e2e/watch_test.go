package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("labctl watch", func() {
	It("tells of neighbours, forwarding tables and links as they change, by node", func(ctx SpecContext) {
		up(write("four.yaml", four))
		Expect(labctl("ping", "a", "b")).To(Exit(0)) // so that the bridge knows them when the watch begins
		cctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		cmd := command(cctx, "watch", "-o", "json")
		out, err := cmd.StdoutPipe()
		Expect(err).NotTo(HaveOccurred())
		Expect(cmd.Start()).To(Succeed())
		seen := make(chan map[string]any, 1000)
		go func() {
			defer close(seen)
			for lines := bufio.NewScanner(out); lines.Scan(); {
				var m map[string]any
				if json.Unmarshal(lines.Bytes(), &m) == nil {
					seen <- m
				}
			}
		}()
		// Something happens until it is told: nothing says when the watch has begun.
		var heard []map[string]any
		hears := func(kind, node string) {
			GinkgoHelper()
			Eventually(func() bool {
				Expect(labctl("ping", "a", "b")).To(Exit(0))
				Expect(labctl("exec", "c", "--", "ip", "link", "set", "eth0", "mtu", "1400")).To(Exit(0))
				Expect(labctl("exec", "c", "--", "ip", "link", "set", "eth0", "mtu", "1500")).To(Exit(0))
				// Who was learned before the watch had begun is told of no more, until the bridge has lost it.
				Expect(labctl("link", "down", "b:eth0")).To(Exit(0))
				Expect(labctl("link", "up", "b:eth0")).To(Exit(0))
				for {
					select {
					case m := <-seen:
						heard = append(heard, m)
						continue
					default:
					}
					break
				}
				for _, m := range heard {
					if m["kind"] == kind && m["node"] == node {
						return true
					}
				}
				return false
			}, "20s").Should(BeTrue(), func() string { return fmt.Sprintf("%s of %s in %v", kind, node, heard) })
		}
		hears("arp", "a")
		hears("fdb", "s1")
		cancel()
		_ = cmd.Wait()
	})

	DescribeTable("and what else follows end in peace with the lab", func(ctx SpecContext, args ...string) {
		up(write("four.yaml", four))
		cctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		cmd := command(cctx, args...)
		var said bytes.Buffer
		cmd.Stderr = &said
		out, err := cmd.StdoutPipe()
		Expect(err).NotTo(HaveOccurred())
		Expect(cmd.Start()).To(Succeed())
		begun := make(chan bool)
		go func() {
			lines := bufio.NewScanner(out)
			for first := true; lines.Scan(); first = false {
				if first {
					close(begun)
				}
			}
		}()
		Eventually(func() chan bool {
			Expect(labctl("link", "down", "c:eth0")).To(Exit(0))
			Expect(labctl("link", "up", "c:eth0")).To(Exit(0))
			return begun
		}, "20s").Should(BeClosed())
		Expect(labctl("down")).To(Exit(0))
		Expect(cmd.Wait()).To(Succeed(), said.String())
		Expect(said.String()).To(HaveSuffix("four was taken down\n"))
	},
		Entry("watch", "watch"),
		Entry("events", "events", "--follow"),
	)
})

var _ = Describe("a lab without virtual switches", func() {
	It("says so where their decisions are asked for, and what tells of bridges", func() {
		up(write("four.yaml", four))
		for _, args := range [][]string{{"ports"}, {"drops"}} {
			r := labctl(args...)
			Expect(r).To(Exit(0))
			Expect(r.err).To(ContainSubstring("the lab has no virtual switch"))
		}
		for _, args := range [][]string{{"ports", "s1"}, {"drops", "s1"}, {"explain", "s1:a", "--dst", "b"}} {
			r := labctl(args...)
			Expect(r).To(Exit(2))
			Expect(r.err).To(And(ContainSubstring("s1 is a bridge, not a vswitch; the lab has none"), ContainSubstring(`"labctl fdb s1"`)))
		}
	})
})
