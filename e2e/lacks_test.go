package e2e

import (
	"encoding/json"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// lacks are the things that labctl may say that a machine has not got: a word of what it says, what "labctl doctor"
// calls it, if it looks for it, and a script for iproute2, tc or nft that must fail where that is so.
var lacks = []struct{ says, doctor, byHand string }{
	{"8021q", "VLAN interfaces", "ip link add v0 type veth peer name v1; ip link add link v0 name v0.5 type vlan id 5"},
	{"ipvlan", "ipvlan", "ip link add v0 type veth peer name v1; ip link add link v0 name i0 type ipvlan mode l2"},
	{"VXLAN interfaces", "VXLAN interfaces", "ip link add x0 type vxlan id 1 dstport 4789"},
	{"CONFIG_BRIDGE_VLAN_FILTERING", "bridge VLAN filtering",
		"ip link add b0 type bridge; ip link set b0 type bridge vlan_filtering 1; ip -d link show b0 | grep -q 'vlan_filtering 1'"},
	{"macvtap", "macvtap", "ip link add v0 type veth peer name v1; ip link add link v0 name m0 type macvtap mode bridge"},
	{"macvlan", "macvlan", "ip link add v0 type veth peer name v1; ip link add link v0 name m0 type macvlan mode bridge"},
	{"br_netfilter", "bridge netfilter (iptables on bridges)", "sysctl -n net.bridge.bridge-nf-call-iptables"},
	{"tc's clsact", "", `ip link add v0 type veth peer name v1; tc qdisc add dev v0 clsact
tc filter add dev v0 ingress protocol all prio 1 u32 match u32 0 0 action mirred ingress redirect dev v1`},
	{"tables of family netdev", "", "nft 'add table netdev t { flags owner; }'"},
	{"iptables is not installed", "", "command -v iptables-restore"},
	{"nft is not installed", "", "command -v nft"},
}

// missing reports whether labctl says that this machine cannot do it, after another program has failed at it too: that
// is then what there is to expect of such a lab.
func missing(got verification) bool {
	GinkgoHelper()
	if got.Skipped == "" {
		return false
	}
	for _, l := range lacks {
		if strings.Contains(got.Skipped, l.says) {
			out, err := privately(l.byHand)
			Expect(err).To(HaveOccurred(), "labctl says %q, but this works: %s\n%s", got.Skipped, l.byHand, out)
			return true
		}
	}
	Fail("nothing else than labctl says so: " + got.Skipped)
	return false
}

// skipMissing skips what this machine cannot do. labctl's word for it is not enough: another program must fail at it
// too.
func skipMissing(got verification) {
	GinkgoHelper()
	if missing(got) {
		Skip(got.Skipped)
	}
}

var _ = Describe("what a machine lacks", func() {
	It("doctor and iproute2 agree on it", func() {
		r := labctl("doctor", "-o", "json")
		var doc struct {
			Checks []struct {
				What string
				OK   bool
			}
		}
		Expect(json.Unmarshal([]byte(r.out), &doc)).To(Succeed(), r.String())
		found := map[string]bool{}
		for _, c := range doc.Checks {
			found[c.What] = c.OK
		}
		for _, l := range lacks {
			if l.doctor == "" {
				continue
			}
			ok, asked := found[l.doctor]
			Expect(asked).To(BeTrue(), "doctor does not look for %s", l.doctor)
			out, err := privately(l.byHand)
			Expect(err == nil).To(Equal(ok), "%s: %v: %s", l.doctor, err, out)
		}
	})
})
