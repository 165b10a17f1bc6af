package e2e

import (
	"bufio"
	"context"
	"encoding/json"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("labctl watch", func() {
	It("tells of neighbours, forwarding tables and links as they change, by node", func(ctx SpecContext) {
		up(write("four.yaml", four))
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
			}, "20s").Should(BeTrue(), "%s of %s in %v", kind, node, heard)
		}
		hears("arp", "a")
		hears("fdb", "s1")
		cancel()
		_ = cmd.Wait()
	})
})
