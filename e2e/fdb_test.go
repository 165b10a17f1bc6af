package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("static forwarding entries", func() {
	It("are in the file, in the kernel, in fdb and in its tables, and lead frames astray", func() {
		file := write("fdb.yaml", `#  a ─┐
#  b ─┼─ s1     the bridge is told that b is behind c's port
#  c ─┘
format: 1
lab: fdb
nodes:
  s1: {kind: bridge, fdb: {b: c}, ports: {b: {learning: false}}}
  a: {ip: 10.0.0.1/24}
  b: {ip: 10.0.0.2/24}
  c: {ip: 10.0.0.3/24}
links:
  - a b c -- s1
expect:
  ping: |
    from\to  b       c
    a        silent  ok
  fdb: |
    mac\on  s1
    b       c
steps:
  - name: as it is
    set: {s1: {fdb: {}}}
    expect:
      ping: |
        from\to  b
        a        ok
`)
		Expect(labctl("verify", file)).To(Exit(0))
		up(file)
		line := func(node string) string {
			for _, e := range decode[[]map[string]any](labctl("fdb", "-o", "json")) {
				if e["holder"] == node {
					how, _ := e["how"].(string)
					return e["port"].(string) + " " + how
				}
			}
			return "-"
		}
		Expect(line("b")).To(Equal("c static"))
		Expect(labctl("set", "s1.fdb.b=b")).To(Exit(0))
		Expect(line("b")).To(Equal("b static"))
		Expect(labctl("ping", "a", "b")).To(Exit(0))
		Expect(labctl("reset", "s1")).To(Exit(0))
		Expect(line("b")).To(Equal("c static"))
		Expect(labctl("exec", "s1", "--", "bridge", "fdb", "add", "02:00:00:00:00:77", "dev", "a", "master", "static")).To(Exit(0))
		Expect(labctl("fdb").out).To(MatchRegexp(`s1 +02:00:00:00:00:77 +- +- +a +static`))
	})
})
