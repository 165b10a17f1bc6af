package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// The switch has a bridge device, or an adapter, of the node that holds it; eth9 has an address that the node would
// answer for anywhere.
const (
	bridgeAlone = `# lan .2 ── br0 (host) ══ vs ─ win .3, win2 .4
format: 1
lab: bridge-alone
nodes:
  host:
    interfaces:
      br0: {bridge: [p1]}
      eth9: 10.0.0.9/24
    nodes:
      vs: {kind: vswitch, profile: learning, uplinks: [br0], ports: {br0: {up: false}}}
  lan: {ip: 10.0.0.2/24}
  win: {ip: 10.0.0.3/24}
  win2: {ip: 10.0.0.4/24}
  other: {ip: 10.0.0.5/24}
links:
  - lan -- host:p1
  - win win2 -- host.vs
  - other -- host:eth9
expect:
  ping: |
    from\to  lan     win
    lan      -       no-arp
  port: |
    port      flags   promiscuity
    host:br0  0x1003  0
steps:
  - name: plugged
    set: {host.vs: {ports: {br0: {up: true}}}}
    expect:
      ping: |
        from\to  lan  win  win2  host
        lan      -    ok   ok    no-arp
        win      ok   -    ok    no-arp
      sees: |
        flow\at   host:br0
        lan->win  yes
      fdb: |
        mac\on  host:br0  host.vs
        lan     p1        br0
        win     -         win
      port: |
        port      flags   promiscuity
        host:br0  0x1103  1
  - name: unplugged
    set: {host.vs: {ports: {br0: {up: false}}}}
    expect:
      ping: |
        from\to  lan     win
        lan      -       no-arp
      port: |
        port      flags   promiscuity
        host:br0  0x1003  0
`
	adapterShared = `# lan .2, lan2 .5 ── sw ── eth0 .1 (host) ══ vs ─ win .3, win2 .4
format: 1
lab: adapter-shared
nodes:
  host:
    interfaces:
      eth0: 10.0.0.1/24
    nodes:
      vs: {kind: vswitch, profile: learning, uplinks: [eth0], ports: {eth0: {shared: true}}}
  sw: {kind: bridge}
  lan: {ip: 10.0.0.2/24}
  lan2: {ip: 10.0.0.5/24}
  win: {ip: 10.0.0.3/24}
  win2: {ip: 10.0.0.4/24}
links:
  - host:eth0 lan lan2 -- sw
  - win win2 -- host.vs
expect:
  ping: ok
  sees: |
    flow\at     lan2  win2  host:eth0
    win->host   no    no    yes
    win->lan    no    no    .
    host->win   no    no    .
    lan->host   no    no    yes
  fdb: |
    mac\on  sw    host.vs
    lan     lan   eth0
    win     host  win
    host    host  eth0
`
)

var _ = DescribeTable("a virtual switch on an interface of its holder", func(name, text string) {
	r := labctl("verify", write(name+".yaml", text), "--new")
	Expect(r).To(Exit(0))
},
	Entry("has a bridge device to itself", "bridge-alone", bridgeAlone),
	Entry("shares an adapter", "adapter-shared", adapterShared),
)
