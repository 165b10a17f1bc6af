#!/bin/bash
# Measures labctl beside its peers, on this machine, in one run; prints medians. As root, on an idle machine.
# usage: scripts/bench.sh [-n RUNS] [up|matrix|verify|exec|memory|switch]…      LABCTL_BIN is the binary to measure, built from the tree if unset
set -eu
runs=5
[ "${1:-}" = -n ] && { runs=$2; shift 2; }
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "bench.sh: run it as root" >&2; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
[ -n "${LABCTL_BIN:-}" ] || go build -o "$dir/labctl" ./cmd/labctl
go build -o "$dir/bare" scripts/bare.go
labctl=${LABCTL_BIN:-$dir/labctl}

lab() { # lab N: N hosts on one bridge
  { printf 'format: 1\nlab: bench-%s\nnodes:\n  s1: {kind: bridge}\n' "$1"
    for i in $(seq "$1"); do printf '  h%d: {ip: 10.1.%d.%d/16}\n' "$i" $((i / 250)) $((i % 250 + 1)); done
    printf 'links:\n'
    for i in $(seq "$1"); do printf '  - h%d -- s1\n' "$i"; done; } > "$dir/bench-$1.yaml"
}
now() { date +%s%N; }
median() { sort -n | awk '{v[NR]=$1} END {print (NR%2) ? v[(NR+1)/2] : (v[NR/2]+v[NR/2+1])/2}'; }
# times NAME SETUP COMMAND CLEANUP: the median of COMMAND's seconds
times() {
  local name=$1 setup=$2 command=$3 cleanup=$4
  for _ in $(seq "$runs"); do
    eval "$setup" >/dev/null 2>&1
    local a b; a=$(now); eval "$command" >/dev/null 2>&1 || echo "bench.sh: $name failed" >&2; b=$(now)
    echo $(((b - a) / 1000))
    eval "$cleanup" >/dev/null 2>&1
  done | median | awk -v n="$name" '{printf "%-58s %9.3f s\n", n, $1/1e6}'
}
# within NAME SETUP COMMAND CLEANUP: the median of the seconds that COMMAND itself prints first
within() {
  local name=$1 setup=$2 command=$3 cleanup=$4
  for _ in $(seq "$runs"); do
    eval "$setup" >/dev/null 2>&1
    eval "$command" | awk '{print $1; exit}'
    eval "$cleanup" >/dev/null 2>&1
  done | median | awk -v n="$name" '{printf "%-58s %9.3f s\n", n, $1}'
}

# The printed plan, done by ip -batch: namespaces in one batch, each namespace's own lines in one, and a bare sysctl loop.
by_ip_batch() { # by_ip_batch PLAN
  awk '$1=="ip" && $2=="netns" && $3=="add" {print "netns add", $4}' "$1" > "$dir/ns.batch"
  ip -batch "$dir/ns.batch"
  grep -v 'neigh/' "$1" > "$dir/before" || true
  "$dir/bare" sysctl "$dir/before"
  awk -v d="$dir/per" 'BEGIN {system("rm -rf " d "; mkdir " d)}
    $1=="ip" && $2=="-n" {ns=$3; $1=$2=$3=""; late=($0 ~ /dev s1 up/); f=d "/" (late ? "2" : ($0 ~ /link add/ ? "0" : "1")) "-" ns; print >> f; close(f)}' "$1"
  for stage in 0 1 2; do
    for f in "$dir"/per/$stage-*; do [ -e "$f" ] && ip -n "${f##*/?-}" -batch "$f"; done
    [ $stage = 0 ] && { grep 'neigh/' "$1" > "$dir/after"; "$dir/bare" sysctl "$dir/after"; }
  done
  true
}
ip_batch_down() { awk '$1=="ip" && $2=="netns" && $3=="add" {print "netns delete", $4}' "$1" > "$dir/down.batch"; ip -batch "$dir/down.batch"; }
mininet() { unshare -n -m -p -f --mount-proc sh -c "ip link set lo up; mn --switch lxbr --controller none --topo single,$1 --test $2"; }

bench_up() {
  lab 100; lab 1000
  for n in 100 1000; do $labctl plan --as "peer-$n" "$dir/bench-$n.yaml" > "$dir/plan-$n.sh"; done
  times "up+down, 100 hosts: labctl" : "$labctl up $dir/bench-100.yaml && $labctl down bench-100" :
  command -v mn >/dev/null && times "up+down, 100 hosts: Mininet, lxbr" : "mininet 100 none" :
  for n in 100 1000; do
    times "up, $n hosts: labctl" : "$labctl up $dir/bench-$n.yaml" "$labctl down bench-$n"
    times "up, $n hosts: the plan by ip -batch and a sysctl loop" : "by_ip_batch $dir/plan-$n.sh" "ip_batch_down $dir/plan-$n.sh; sleep 3"
  done
  times "down, 1000 hosts, kernel let go: labctl" "$labctl up $dir/bench-1000.yaml" "$labctl down bench-1000" :
  $labctl up "$dir/bench-100.yaml" 2>/dev/null
  times "up, 100 hosts, nothing to change" : "$labctl up $dir/bench-100.yaml" :
  $labctl down bench-100 2>/dev/null
  $labctl up "$dir/bench-1000.yaml" 2>/dev/null
  local flip=0
  cp "$dir/bench-1000.yaml" "$dir/keep.yaml"
  times "up, one host of 1000 changed" 'flip=$((1-flip)); sed "s|h500: {ip: [^}]*}|h500: {ip: 10.1.200.$((1+flip))/16}|" '"$dir/keep.yaml > $dir/bench-1000.yaml" "$labctl up $dir/bench-1000.yaml" :
  $labctl down bench-1000 2>/dev/null
}

bench_matrix() {
  lab 32; lab 100
  # A loop that forgets nothing, and warm tables, hold more entries than the machine's stock limit; it is raised for this
  # measurement and put back.
  local t1 t2 t3; t1=$(sysctl -n net.ipv4.neigh.default.gc_thresh1); t2=$(sysctl -n net.ipv4.neigh.default.gc_thresh2); t3=$(sysctl -n net.ipv4.neigh.default.gc_thresh3)
  trap "sysctl -qw net.ipv4.neigh.default.gc_thresh1=$t1 net.ipv4.neigh.default.gc_thresh2=$t2 net.ipv4.neigh.default.gc_thresh3=$t3; rm -rf $dir" EXIT
  sysctl -qw net.ipv4.neigh.default.gc_thresh3=65536 net.ipv4.neigh.default.gc_thresh2=32768 net.ipv4.neigh.default.gc_thresh1=16384
  for n in 32 100; do
    local spaces="" addrs=""
    for i in $(seq "$n"); do spaces="$spaces bench-$n.h$i"; addrs="$addrs 10.1.$((i / 250)).$((i % 250 + 1))"; done
    times "ping matrix, $n hosts, fresh: labctl" "$labctl up $dir/bench-$n.yaml" "$labctl matrix -o json" "$labctl down bench-$n"
    within "ping matrix, $n hosts: a bare loop, from empty tables" "$labctl up $dir/bench-$n.yaml" "$dir/bare ping $spaces -- $addrs" "$labctl down bench-$n"
  done
  times "ping matrix, 100 hosts, warm tables: labctl --kept" "$labctl up $dir/bench-100.yaml; $labctl matrix --kept -o json" "$labctl matrix --kept -o json" "$labctl down bench-100"
  within "ping matrix, 100 hosts, warm tables: a bare loop" "$labctl up $dir/bench-100.yaml; $dir/bare ping $spaces -- $addrs" "$dir/bare ping $spaces -- $addrs" "$labctl down bench-100"
  sysctl -qw net.ipv4.neigh.default.gc_thresh1="$t1" net.ipv4.neigh.default.gc_thresh2="$t2" net.ipv4.neigh.default.gc_thresh3="$t3"
  if command -v mn >/dev/null; then
    for _ in $(seq "$runs"); do
      { mininet 32 pingall 2>&1 || true; } | awk '/completed in/ {print $3}' > "$dir/whole"
      a=$(now); mininet 32 none >/dev/null 2>&1 || true; b=$(now)
      a2=$(now); mininet 32 pingall >/dev/null 2>&1 || true; b2=$(now)
      echo $(((b2 - a2 - b + a) / 1000))
    done | median | awk '{printf "%-58s %9.3f s\n", "pingall, 32 hosts: Mininet (with it less without)", $1/1e6}'
  fi
}

bench_verify() {
  times "verify subnet-mask-typo" : "$labctl verify subnet-mask-typo" :
  local spin="" differ=0 slowest=0
  for _ in $(seq "$(nproc)"); do sh -c 'while :; do :; done' & spin="$spin $!"; done
  for _ in $(seq 20); do
    a=$(now); $labctl verify subnet-mask-typo >/dev/null 2>&1 || differ=$((differ + 1)); b=$(now)
    [ $((b - a)) -gt $slowest ] && slowest=$((b - a))
  done
  kill $spin
  wait 2>/dev/null || true
  echo "verify subnet-mask-typo, all cores spinning, 20 runs: $differ differ, the slowest took $((slowest / 1000000)) ms"
}

bench_exec() {
  $labctl up two-hosts 2>/dev/null
  times "exec NODE -- true" : "$labctl exec h1 -- true" :
  $labctl down two-hosts 2>/dev/null
}

bench_memory() {
  lab 1000
  before=$(awk '/MemAvailable/ {print $2}' /proc/meminfo)
  $labctl up "$dir/bench-1000.yaml" 2>/dev/null
  pid=$($labctl ls -o json | sed -n 's/.*"pid": \([0-9]*\).*/\1/p' | tail -1)
  after=$(awk '/MemAvailable/ {print $2}' /proc/meminfo)
  echo "memory, 1000 hosts: supervisor $(awk '/VmRSS/ {print $2}' "/proc/$pid/status") kB resident ($(awk '/VmHWM/ {print $2}' "/proc/$pid/status") at its peak), machine $(((before - after) / 1000)) kB a host"
  $labctl down bench-1000 2>/dev/null
}

# peer PROGRAM PACKAGE: whether it is there
peer() { command -v "$1" >/dev/null || { echo "skipped: no $1; install $2" >&2; return 1; }; }
# The systems take turns, so that a machine that slows down slows all of them.
bench_switch() {
  peer trafgen netsniff-ng && peer iperf3 iperf3 && peer nft nftables || return 0
  go build -o "$dir/pingpong" scripts/pingpong.go
  export LABCTL=$labctl PINGPONG=$dir/pingpong
  local systems="labctl bridge" system
  peer ovs-vswitchd openvswitch-switch && systems="$systems ovs"
  peer vde_switch vde2 && systems="$systems vde vde-plug"
  for _ in $(seq "$runs"); do
    for system in $systems; do
      scripts/bench_switch.sh pair "$system" >> "$dir/pair-$system" || echo "bench.sh: switch, $system failed" >&2
    done
  done
  for system in $systems; do
    printf '%-58s %9.0f frames/s %8.3f Gbit/s %8.1f us\n' "two hosts, 24 ports, TCP and its round trip: $system" \
      "$(column 1 "$dir/pair-$system")" "$(column 2 "$dir/pair-$system")" "$(column 3 "$dir/pair-$system")"
  done
  awk -v labctl="$(column 1 "$dir/pair-labctl") $(column 2 "$dir/pair-labctl") $(column 3 "$dir/pair-labctl")" \
    '{split(labctl, l); printf "%-58s %8.2fx frames/s %7.2fx TCP %11.2fx round trip\n", "labctl against " $1, l[1]/$2, l[2]/$3, l[3]/$4}' \
    < <(for system in ${systems#labctl }; do echo "$system $(column 1 "$dir/pair-$system") $(column 2 "$dir/pair-$system") $(column 3 "$dir/pair-$system")"; done)
  for system in labctl bridge; do
    for _ in $(seq "$runs"); do scripts/bench_switch.sh broadcast "$system"; done | median |
      awk -v n="15,000 broadcasts at 3,000/s to 100 ports: $system" '{printf "%-58s %9d of 1,500,000 lost\n", n, $1}'
  done
  for _ in $(seq "$runs"); do scripts/bench_switch.sh idle >> "$dir/idle"; done
  printf '%-58s %9.2f %% of a core, %d kB more than with a bridge\n' "idle, 24 ports, 10 s: the supervisor" "$(column 1 "$dir/idle")" "$(column 2 "$dir/idle")"
}
column() { awk -v c="$1" '{print $c}' "$2" | median; }

echo "$(nproc) cores, $(uname -r), load $(cut -d' ' -f1 /proc/loadavg), medians of $runs"
for what in ${*:-up matrix verify exec memory switch}; do bench_$what; done
