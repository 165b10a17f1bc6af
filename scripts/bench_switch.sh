#!/bin/bash
# Measures one switch with two talking hosts and 22 silent ones; bench.sh switch calls it, each system in turn.
# usage: bench_switch.sh pair labctl|bridge|ovs|vde|vde-plug   prints: frames/s, TCP Gbit/s, median round trip in microseconds
#        bench_switch.sh broadcast labctl|bridge|ovs     prints: frames lost of 15,000 broadcasts at 3,000/s, summed over 100 ports
#        bench_switch.sh idle                            prints: share of a core in per cent, kB more than a lab without a switch of labctl's
# Wants $LABCTL and $PINGPONG, the two binaries. Everything, daemons too, lives in namespaces of its own that end with the script.
set -eu
if [ "${BENCH_INNER:-}" = "" ]; then
	# A PID namespace: whatever is still running when its first process ends is killed by the kernel.
	exec unshare -n -m -p -f --kill-child --mount-proc --propagation private env BENCH_INNER=1 "$0" "$@"
fi
mount -t tmpfs none /run
mkdir -p /run/netns /run/lock
ip link set lo up
dir=$(mktemp -d /run/bench.XXXXXX)
prefix= # of the names of the hosts' network namespaces
ports=24

in_host() { local host=$1; shift; ip netns exec "$prefix$host" "$@"; }
mac() { in_host "$1" cat /sys/class/net/eth0/address; }
received() { in_host "$1" cat /sys/class/net/eth0/statistics/rx_packets; }
address() { echo "10.1.$(($1 / 250)).$(($1 % 250 + 1))"; }
# await SECONDS COMMAND...: until it succeeds
await() {
	local until=$(($(date +%s) + $1)); shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt "$until" ] || { echo "bench_switch.sh: in vain: $*" >&2; exit 1; }
		sleep 0.05
	done
}

lab() { # lab NAME KIND PORTS
	printf 'format: 1\nlab: %s\nnodes:\n  s1: {%s}\n' "$1" "$2"
	for i in $(seq "$3"); do echo "  h$i: {ip: $(address "$i")/16}"; done
	printf 'links:\n  -'
	for i in $(seq "$3"); do printf ' h%d' "$i"; done
	echo ' -- s1'
}
up_labctl() {
	lab bench "kind: vswitch, profile: standard" "$ports" > "$dir/bench.yaml"
	"$LABCTL" up "$dir/bench.yaml" 2>"$dir/up.log" || { cat "$dir/up.log" >&2; exit 1; }
	prefix=bench.
}
# hosts LOOP-BODY: a namespace for each port, which the body gives an interface eth0 in it
hosts() {
	for i in $(seq "$ports"); do
		ip netns add "h$i"
		ip netns exec "h$i" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
		"$1" "$i"
		ip -n "h$i" address add "$(address "$i")/16" dev eth0
		ip -n "h$i" link set eth0 up
	done
}
cable() {
	ip link add "p$1" type veth peer name eth0 netns "h$1"
	ip link set "p$1" up
}
quiet() { sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1; }
up_bridge() {
	quiet
	ip link add s1 type bridge
	ip link set s1 up
	hosts cable
	for i in $(seq "$ports"); do ip link set "p$i" master s1; done
}
# The user-space datapath reads veths by AF_PACKET. Its default cannot pass a frame without a checksum on, so that the hosts
# would have to do without offloads; with its own support for them switched on they need not.
up_ovs() {
	quiet
	hosts cable
	mkdir -p /run/openvswitch
	ovsdb-tool create "$dir/conf.db" /usr/share/openvswitch/vswitch.ovsschema
	ovsdb-server "$dir/conf.db" --remote=punix:/run/openvswitch/db.sock --detach --pidfile --log-file="$dir/ovsdb.log" 2>/dev/null
	ovs-vsctl --no-wait init
	[ "${OVS_TSO:-true}" = true ] && ovs-vsctl --no-wait set Open_vSwitch . other_config:userspace-tso-enable=true
	ovs-vswitchd --detach --pidfile --log-file="$dir/ovs.log" 2>/dev/null
	local more=
	for i in $(seq "$ports"); do more="$more -- add-port s1 p$i"; done
	# shellcheck disable=SC2086 # words on purpose
	ovs-vsctl add-br s1 -- set bridge s1 datapath_type=netdev $more
}
# The switch keeps the TAPs' descriptors while the devices move into the hosts: no plug process in between.
take() { await 5 ip link show "tap$1"; ip link set "tap$1" netns "h$1" name eth0; }
up_vde() {
	quiet
	local taps=
	for i in $(seq "$ports"); do taps="$taps -t tap$i"; done
	# shellcheck disable=SC2086 # words on purpose
	vde_switch -s "$dir/vde.ctl" -n $((ports + 8)) $taps -d -p "$dir/vde.pid"
	hosts take
}

# A plug process for each host, as VDE's own documents connect a TAP to a switch.
plug() {
	ip netns exec "h$1" vde_plug2tap -d -s "$dir/vde.ctl" eth0
	await 5 ip -n "h$1" link show eth0
}
up_vde-plug() {
	quiet
	vde_switch -s "$dir/vde.ctl" -n $((ports + 8)) -d -p "$dir/vde.pid"
	hosts plug
}

# trafgen sends frames of 60 bytes from h1 as fast as it can; h2's interface counts for three seconds.
frames() {
	printf '{ eth(da=%s, sa=%s), ipv4(saddr=%s, daddr=%s), udp(sp=9, dp=9), fill(0, 18) }\n' \
		"$(mac h2)" "$(mac h1)" "$(address 1)" "$(address 2)" > "$dir/frame"
	in_host h2 sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv4.icmp_ratemask=0
	in_host h2 nft 'add table netdev none; add chain netdev none in { type filter hook ingress device eth0 priority 0; policy accept; }; add rule netdev none in udp dport 9 drop'
	in_host h1 trafgen -i "$dir/frame" -o eth0 -P 1 --no-sock-mem -Q >/dev/null 2>&1 &
	local generator=$! before a b
	before=$(received h2)
	moving() { [ "$(received h2)" -gt $((before + 1000)) ]; }
	await 10 moving
	sleep 0.5
	a=$(received h2); local t0=$(date +%s%N)
	sleep 3
	b=$(received h2); local t1=$(date +%s%N)
	kill "$generator" 2>/dev/null || true
	wait "$generator" 2>/dev/null || true
	awk -v n=$((b - a)) -v t=$((t1 - t0)) 'BEGIN {printf "%.0f", n / t * 1e9}'
}
tcp() {
	in_host h2 iperf3 -s -1 >/dev/null 2>&1 &
	local server=$!
	listening() { in_host h2 ss -Hltn | grep -q :5201; }
	await 5 listening
	in_host h1 timeout 20 iperf3 -c "$(address 2)" -t 3 -J > "$dir/iperf.json" 2>/dev/null || true
	kill "$server" 2>/dev/null || true
	wait "$server" 2>/dev/null || true
	awk '/"sum_received"/ {at = 1} at && /bits_per_second/ {gsub(/[^0-9.e+]/, "", $2); printf "%.3f", $2 / 1e9; found = 1; exit} END {if (!found) printf "0"}' "$dir/iperf.json"
}
trip() {
	in_host h2 "$PINGPONG" serve "$(address 2)" &
	local server=$!
	in_host h1 timeout 30 "$PINGPONG" ask "$(address 2)" 10000 || echo 0
	kill "$server" 2>/dev/null || true
	wait "$server" 2>/dev/null || true
}
pair() {
	"up_$1"
	await 10 in_host h1 ping -c 1 -W 1 "$(address 2)"
	local g t
	t=$(trip)
	g=$(tcp)
	echo "$(frames) $g $t"
}


broadcast() {
	ports=101
	"up_$1"
	await 10 in_host h1 ping -c 1 -W 1 "$(address 2)"
	printf '{ eth(da=ff:ff:ff:ff:ff:ff, sa=%s, type=0x88b5), fill(0, 46) }\n' "$(mac h1)" > "$dir/frame"
	counts() { for i in $(seq 2 $ports); do received "h$i"; done; }
	settled() { counts > "$dir/now"; cmp -s "$dir/now" "$dir/last" || { cp "$dir/now" "$dir/last"; false; }; }
	await 20 settled
	cp "$dir/last" "$dir/before"
	in_host h1 timeout 30 trafgen -i "$dir/frame" -o eth0 -P 1 --no-sock-mem -Q -b 3000pps -n 15000 > "$dir/trafgen.log" 2>&1
	sent=$(sed -n 's/^ *\([0-9]*\) packets outgoing.*/\1/p' "$dir/trafgen.log")
	await 20 settled
	paste "$dir/before" "$dir/last" | awk -v sent="${sent:-15000}" '{d = sent - ($2 - $1); if (d > 0) lost += d} END {print lost + 0}'
}

busy() { awk '{n += $1} END {printf "%.0f", n}' /proc/"$1"/task/*/schedstat; } # nanoseconds on a CPU
supervisor() { "$LABCTL" ls -o json | sed -n 's/.*"pid": \([0-9]*\).*/\1/p' | tail -1; }
resident() { awk '/VmRSS/ {print $2}' "/proc/$1/status"; }
idle() {
	lab bench "kind: bridge" "$ports" > "$dir/bench.yaml"
	"$LABCTL" up "$dir/bench.yaml" 2>/dev/null
	local without pid a b
	without=$(resident "$(supervisor)")
	"$LABCTL" down bench 2>/dev/null
	up_labctl
	await 10 in_host h1 ping -c 1 -W 1 "$(address 2)"
	pid=$(supervisor)
	a=$(busy "$pid"); sleep 10; b=$(busy "$pid")
	awk -v ns=$((b - a)) -v with="$(resident "$pid")" -v without="$without" 'BEGIN {printf "%.2f %d\n", ns / 1e8, with - without}'
}

"$@"
