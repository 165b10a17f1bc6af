package e2e

import (
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// onSwitches runs a shell script with labctl as $L, in namespaces that end with it: a network without interfaces, and a
// private /run. Before the script a file of functions: pairs N makes the test network of N namespaces NSn with vethn,
// .100+n, each with vethn-vsw here, with a carrier; until_ waits for a condition, for ten seconds at most.
func onSwitches(script string) result {
	GinkgoHelper()
	file := filepath.Join(GinkgoT().TempDir(), "script")
	Expect(os.WriteFile(file, []byte(prelude+script), 0o644)).To(Succeed())
	args := []string{"-n", "-m", "-p", "-f", "--kill-child", "--mount-proc", "--propagation", "private", "sh", "-eu", file}
	if !root {
		args = append([]string{"-r"}, args...)
	}
	return run([]string{"L=" + binary}, "", "unshare", args...)
}

const prelude = `
mount -t tmpfs tmpfs /run
export XDG_RUNTIME_DIR=/run
ip link set lo up
pairs() {
	for i in $(seq "$1"); do
		ip netns add "NS$i"
		ip link add "veth$i-vsw" type veth peer name "veth$i" netns "NS$i"
		sysctl -qw "net.ipv6.conf.veth$i-vsw.disable_ipv6=1"
		ip link set "veth$i-vsw" up
		ip -n "NS$i" addr add "192.168.100.$((100 + i))/24" dev "veth$i"
		ip -n "NS$i" link set "veth$i" up
	done
	# The kernel acts on a carrier up to a second later (net/core/link_watch.c), and drops what is sent until then.
	for i in $(seq "$1"); do until_ carries "veth$i-vsw"; done
}
carries() { ip -br link show "$1" | grep -q ' UP '; }
until_() {
	n=0
	until "$@"; do
		n=$((n + 1))
		[ $n -lt 150 ] || { echo "waited for nothing: $*" >&2; exit 99; }
		timeout 0.02 tail -f /dev/null || :
	done
}
fails() { # CODE WORDS COMMAND...
	code=$1 words=$2
	shift 2
	got=0
	"$@" 2>/run/said || got=$?
	[ $got = "$code" ] && grep -q -- "$words" /run/said || { echo "exit code $got, want $code: $*" >&2; cat /run/said >&2; exit 98; }
}
promiscuity() { ip -d -o link show "$1" | sed 's/.*promiscuity \([0-9]*\).*/\1/'; }
names() { $L switch show vsw | awk 'NR > 1 && NF == 0 { exit } NR > 1 { print $1 }' | tr '\n' ' '; }
state() { $L switch show vsw | awk -v p="$1" '$1 == p { print $4 }'; }
entry() { $L switch show vsw | grep -c ":.* $1 .*learned"; }
`

var _ = Describe("a switch without a lab", func() {
	It("that is stopped is named, and ended by force", func() {
		r := onSwitches(`
$L switch run vsw --detach
pid=$(pgrep -f "switch run vsw")
kill -STOP "$pid"
fails 3 "kill -CONT $pid.*switch stop --force vsw" $L switch stop vsw
$L switch stop --force vsw
[ "$($L switch show)" = "no switches" ]
! kill -0 "$pid" 2>/dev/null
`)
		Expect(r).To(Exit(0))
	})

	It("is the article's: four ports, all pairs ping, and unicast reaches nobody else", func() {
		r := onSwitches(`
pairs 4
$L switch run vsw --detach
[ "$($L switch show vsw)" = "no ports" ]
for i in 3 1 4 2; do $L switch add vsw veth$i-vsw; done
[ "$(names)" = "veth3-vsw veth1-vsw veth4-vsw veth2-vsw " ]
for i in 1 2 3 4; do for j in 1 2 3 4; do
	[ $i = $j ] || ip netns exec NS$i ping -c1 -W3 -q 192.168.100.10$j >/dev/null
done; done
tx() { $L switch show vsw | awk '$1 == "veth4-vsw" { print $6; exit }'; }
before=$(tx)
ip netns exec NS1 ping -c20 -i0.01 -q 192.168.100.102 >/dev/null
after=$(tx)
[ $((after - before)) -lt 10 ] || { echo "veth4-vsw saw $((after - before)) frames of others" >&2; exit 1; }
$L switch stop vsw
`)
		Expect(r).To(Exit(0))
	})

	It("lets go of what it is told to: addresses, promiscuity, sockets", func() {
		r := onSwitches(`
pairs 3
[ $(promiscuity veth1-vsw) = 0 ]
$L switch run vsw --detach --add veth1-vsw --add veth2-vsw --add veth3-vsw
[ $(promiscuity veth1-vsw) = 1 ]
ip netns exec NS1 ping -c1 -W3 -q 192.168.100.102 >/dev/null
[ $(entry veth1-vsw) = 1 ]
$L switch delete vsw veth1-vsw
[ "$(entry veth1-vsw || :)" = 0 ]
gone() { [ $(promiscuity $1) = 0 ]; }
until_ gone veth1-vsw
[ "$(names)" = "veth2-vsw veth3-vsw " ]
$L switch add vsw veth1-vsw
[ "$(names)" = "veth2-vsw veth3-vsw veth1-vsw " ]
ip netns exec NS1 ping -c1 -W3 -q 192.168.100.103 >/dev/null
$L switch stop vsw
for i in 1 2 3; do [ $(promiscuity veth$i-vsw) = 0 ]; done
[ "$($L switch show)" = "no switches" ]
[ ! -e /run/labctl-switches ]
`)
		Expect(r).To(Exit(0))
	})

	It("follows its interfaces: down, up again, renamed, gone", func() {
		r := onSwitches(`
pairs 3
$L switch run vsw --add veth1-vsw --add veth2-vsw --add veth3-vsw 2>/run/events &
ready() { grep -q running /run/events; }
until_ ready
ip netns exec NS1 ping -c1 -W3 -q 192.168.100.102 >/dev/null
is() { [ "$(state $1)" = "$2" ]; }
ip link set veth1-vsw down
until_ is veth1-vsw down
[ "$(entry veth1-vsw || :)" = 0 ]
ip link set veth1-vsw up
until_ is veth1-vsw forwarding
until_ ip netns exec NS1 ping -c1 -W1 -q 192.168.100.102 >/dev/null
ip link set veth2-vsw name other
renamed() { $L switch show vsw | grep -q "veth2-vsw *other"; }
until_ renamed
# The kernel tells of a carrier up to a second after it is there (net/core/link_watch.c), and the port follows what it is told.
until_ ip netns exec NS1 ping -c1 -W1 -q 192.168.100.102 >/dev/null
ip link del veth3-vsw
left() { [ "$(names)" = "veth1-vsw veth2-vsw " ]; }
until_ left
told() { grep -q "veth3-vsw: the interface is gone" /run/events; }
until_ told
grep -q "veth1-vsw: link-down" /run/events
$L switch delete vsw other
kill -INT $!
wait $!
[ ! -e /run/labctl-switches ]
`)
		Expect(r).To(Exit(0))
	})

	It("refuses, and says why", func() {
		r := onSwitches(`
pairs 3
$L switch run vsw --detach --add veth1-vsw
fails 2 "is a port of vsw already" $L switch add vsw veth1-vsw
fails 2 "no interface \"nosuch\"" $L switch add vsw nosuch
fails 2 "no port \"veth2-vsw\"" $L switch delete vsw veth2-vsw
fails 2 "not an Ethernet interface" $L switch add vsw lo
fails 2 "running already" $L switch run vsw
fails 2 "no switch \"vsv\"" $L switch show vsv
fails 2 "no preset" $L switch run other --preset nosuch
fails 2 "is not a name" $L switch run ../../etc
fails 2 "switch has no verb" $L switch nosuch
fails 2 "switch needs a verb" $L switch
fails 2 "lacks INTERFACE" $L switch add vsw
ip link set veth2-vsw down
fails 2 "ip link set veth2-vsw up" $L switch add vsw veth2-vsw
ip link set veth2-vsw up

ip addr add 10.0.0.1/24 dev veth2-vsw
fails 2 "10.0.0.1/24.*--force" $L switch add vsw veth2-vsw
ip route add default via 10.0.0.2
fails 2 "carries the default route" $L switch add vsw veth2-vsw --force
fails 2 "carries the default route" $L switch add vsw veth2-vsw --force --force-default-route
$L switch add vsw veth2-vsw --force --force-default-route --force-default-route
$L switch delete vsw veth2-vsw
ip addr flush dev veth2-vsw
ip link add br0 type bridge
ip link set veth2-vsw master br0
fails 2 "port of br0" $L switch add vsw veth2-vsw
ip addr add 10.0.0.1/24 dev br0
ip link set br0 up
ip route add default via 10.0.0.2 table 7
fails 2 "carries the default route" $L switch add vsw veth2-vsw --force

fails 2 "--mac" $L switch run std --preset standard --add veth3-vsw
[ ! -e /run/labctl-switches/std ]
$L switch run std --preset standard --detach
$L switch add std veth3-vsw --mac 00:50:56:00:00:01 --group g
$L switch stop std
$L switch stop vsw
`)
		Expect(r).To(Exit(0))
	})

	It("has 24 ports, and the 25th leaves them working", func() {
		r := onSwitches(`
pairs 25
set --
for i in $(seq 24); do set -- "$@" --add veth$i-vsw; done
$L switch run vsw --detach "$@"
fails 3 "at most 24 ports" $L switch add vsw veth25-vsw
[ $(names | wc -w) = 24 ]
ip netns exec NS1 ping -c1 -W3 -q 192.168.100.124 >/dev/null
[ $(promiscuity veth25-vsw) = 0 ]
$L switch stop vsw
`)
		Expect(r).To(Exit(0))
	})

	It("takes ports from other namespaces, and needs the capability there", func() {
		r := onSwitches(`
pairs 2
$L switch run vsw --detach --add veth1-vsw
ip netns add far
ip link set veth2-vsw netns far
ip -n far link set veth2-vsw up
ip netns exec far $L switch add vsw veth2-vsw
ip netns exec NS1 ping -c1 -W3 -q 192.168.100.102 >/dev/null
ip -n far link del veth2-vsw
left() { [ "$(names)" = "veth1-vsw " ]; }
until_ left
ip link add d0 type veth peer name d1
ip link set d0 up
fails 4 CAP_NET_RAW setpriv --bounding-set=-net_raw --inh-caps=-net_raw $L switch add vsw d0
$L switch stop vsw
`)
		Expect(r).To(Exit(0))
	})

	It("leaves no more than its directory when it is killed, and can be run again", func() {
		r := onSwitches(`
pairs 2
$L switch run vsw --add veth1-vsw 2>/run/events &
ready() { grep -q running /run/events; }
until_ ready
kill -9 $!
wait $! || :
[ $(promiscuity veth1-vsw) = 0 ]
$L switch show | grep -q "vsw *dead"
fails 3 "switch stop vsw" $L switch add vsw veth1-vsw
$L switch run vsw --detach --add veth1-vsw --add veth2-vsw
ip netns exec NS1 ping -c1 -W3 -q 192.168.100.102 >/dev/null
$L switch stop vsw
`)
		Expect(r).To(Exit(0))
	})

	It("is its user's alone, and no lab", func() {
		r := onSwitches(`
$L switch run vsw --detach
[ $(stat -c %a /run/labctl-switches) = 700 ]
[ $(stat -c %a /run/labctl-switches/vsw/sock) = 600 ]
[ "$($L ls -o json)" = "[]" ]
$L switch stop vsw
`)
		Expect(r).To(Exit(0))
	})

	It("survives ports that come and go under traffic", func() {
		r := onSwitches(`
pairs 3
$L switch run vsw --detach --add veth1-vsw --add veth2-vsw --add veth3-vsw
ip netns exec NS1 ping -f -q -w 1000 192.168.100.102 >/run/flood &
flood=$!
for i in $(seq 6); do
	$L switch delete vsw veth2-vsw
	$L switch delete vsw veth3-vsw
	[ "$(entry veth2-vsw || :)" = 0 ]
	$L switch add vsw veth2-vsw
	$L switch add vsw veth3-vsw
done
kill -INT $flood
wait $flood || :
until_ ip netns exec NS1 ping -c1 -W1 -q 192.168.100.102 >/dev/null
$L switch stop vsw
`)
		Expect(r).To(Exit(0))
	})
})

// Whoever verifies a file wants to know of the file, not of what somebody has made of the lab since.
var _ = Describe("a file whose lab was changed by hand", func() {
	It("is judged on a new one", func() {
		lab := write("byhand.yaml", `format: 1
lab: byhand
nodes:
  h1: {ip: 10.0.0.1/24}
  h2: {ip: 10.0.1.2/24}
links: [h1 -- h2]
expect: {ping: ok}
`)
		up(lab)
		Expect(labctl("set", "-l", "byhand", "h2.ip=10.0.0.2/24")).To(Exit(0))
		r := labctl("verify", lab)
		Expect(r).To(Exit(1))
		Expect(r.err).To(ContainSubstring("byhand is running, but not as its file has it (set by hand: h2.ip=10.0.0.2/24), so a new one is judged"))
		r = labctl("verify", "-l", "byhand")
		Expect(r).To(Exit(0))
		Expect(r.err).To(ContainSubstring("byhand is judged with what was set by hand: h2.ip=10.0.0.2/24"))
		Expect(labctl("reset", "-l", "byhand")).To(Exit(0))
		r = labctl("verify", lab)
		Expect(r).To(Exit(1))
		Expect(r.err).To(ContainSubstring("byhand is running and is judged as it is"))
	})
})
