#!/bin/bash
# Measures labctl beside its peers, on this machine, in one run; prints medians. As root, on an idle machine.
# usage: scripts/bench.sh [-n RUNS] [up|matrix|verify|labs|silence|exec|memory|switch|pairs]…
# LABCTL_BIN is the binary to measure, built from the tree if unset; LABCTL_OLD another one that takes turns with it in "labs" and "pairs".
# "pairs" is for changes that are not meant to be seen: it needs LABCTL_OLD, and is not part of a run without words.
# What fails, a peer too, has "failed" in place of its number, says why, and is the script's exit code.
set -Eeu
trap 'echo "bench.sh: failed at line $LINENO: $BASH_COMMAND" >&2' ERR
runs=5
[ "${1:-}" = -n ] && { runs=$2; shift 2; }
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "bench.sh: run it as root" >&2; exit 2; }
dir=$(mktemp -d)
trap 'stock; rm -rf "$dir"' EXIT
scripts/setup.sh bench >/dev/null
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
# whole NAME STEP COMMAND: runs a command whose output matters only when it fails
whole() {
  eval "$3" > "$dir/said" 2>&1 && return
  echo "bench.sh: $1: $2 failed:" >&2
  tail -n 3 "$dir/said" >&2
  touch "$dir/failed"
  return 1
}
# report NAME FILE: the median of the seconds in a file of one line a run, or that one of them failed
report() {
  if [ "$(wc -l < "$2")" -lt "$runs" ]; then
    printf '%-58s    failed\n' "$1"
    return
  fi
  median < "$2" | awk -v n="$1" '{printf "%-58s %9.3f s\n", n, $1}'
}
# timed FILE NAME SETUP COMMAND CLEANUP: adds the seconds of COMMAND to a file
timed() {
  local a b
  whole "$2" "its setup" "$3" || return 0
  a=$(now)
  if whole "$2" it "$4"; then
    b=$(now)
    awk -v t=$((b - a)) 'BEGIN {print t / 1e9}' >> "$1"
  fi
  whole "$2" "its clean-up" "$5" || :
}
# times NAME SETUP COMMAND CLEANUP: the median of COMMAND's seconds
times() {
  : > "$dir/runs"
  for _ in $(seq "$runs"); do timed "$dir/runs" "$@"; done
  report "$1" "$dir/runs"
}
# within NAME SETUP COMMAND CLEANUP: the median of the seconds that COMMAND itself prints first
within() {
  : > "$dir/runs"
  for _ in $(seq "$runs"); do
    whole "$1" "its setup" "$2" || continue
    if whole "$1" it "$3"; then awk '{print $1; exit}' "$dir/said" >> "$dir/runs"; fi
    whole "$1" "its clean-up" "$4" || :
  done
  report "$1" "$dir/runs"
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
# peer PROGRAM PACKAGE: whether it is there
peer() { command -v "$1" >/dev/null || { echo "skipped: no $1; install $2" >&2; return 1; }; }
# mininet HOSTS TEST: fails if Mininet does not say that all of it has worked; its exit status does not tell.
mininet() {
  unshare -n -m -p -f --mount-proc sh -c "ip link set lo up; mn --switch lxbr --controller none --topo single,$1 --test $2" > "$dir/mn" 2>&1 || :
  cat "$dir/mn"
  grep -q 'completed in' "$dir/mn" && { [ "$2" = none ] || grep -q ' 0% dropped' "$dir/mn"; }
}

bench_up() {
  lab 100; lab 1000
  for n in 100 1000; do $labctl plan --as "peer-$n" "$dir/bench-$n.yaml" > "$dir/plan-$n.sh"; done
  times "up+down, 100 hosts: labctl" : "$labctl up $dir/bench-100.yaml && $labctl down bench-100" :
  peer mn mininet && times "up+down, 100 hosts: Mininet, lxbr" : "mininet 100 none" :
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

# A loop that forgets nothing, and warm tables, hold more neighbour entries than the machine's stock limit. roomy raises
# it, and stock puts it back, at the end of the script at the latest.
limits=""
roomy() {
  limits=$(sysctl net.ipv4.neigh.default.gc_thresh1 net.ipv4.neigh.default.gc_thresh2 net.ipv4.neigh.default.gc_thresh3 | tr -d ' ')
  sysctl -qw net.ipv4.neigh.default.gc_thresh3=65536 net.ipv4.neigh.default.gc_thresh2=32768 net.ipv4.neigh.default.gc_thresh1=16384
}
stock() {
  # shellcheck disable=SC2086 # a word each
  [ -z "$limits" ] || sysctl -qw $limits
  limits=""
}
bench_matrix() {
  lab 32; lab 100
  roomy
  for n in 32 100; do
    local spaces="" addrs=""
    for i in $(seq "$n"); do spaces="$spaces bench-$n.h$i"; addrs="$addrs 10.1.$((i / 250)).$((i % 250 + 1))"; done
    times "ping matrix, $n hosts, fresh: labctl" "$labctl up $dir/bench-$n.yaml" "$labctl matrix -o json" "$labctl down bench-$n"
    within "ping matrix, $n hosts: a bare loop, from empty tables" "$labctl up $dir/bench-$n.yaml" "$dir/bare ping $spaces -- $addrs" "$labctl down bench-$n"
    within "ping matrix, $n hosts: a bare loop that forgets each pair" "$labctl up $dir/bench-$n.yaml" "$dir/bare forget $spaces -- $addrs" "$labctl down bench-$n"
  done
  times "ping matrix, 100 hosts, warm tables: labctl --kept" "$labctl up $dir/bench-100.yaml; $labctl matrix --kept -o json" "$labctl matrix --kept -o json" "$labctl down bench-100"
  within "ping matrix, 100 hosts, warm tables: a bare loop" "$labctl up $dir/bench-100.yaml; $dir/bare ping $spaces -- $addrs" "$dir/bare ping $spaces -- $addrs" "$labctl down bench-100"
  stock
  peer mn mininet || return 0
  : > "$dir/pingall"
  for _ in $(seq "$runs"); do
    local a b c
    a=$(now)
    whole "Mininet" "32 hosts" "mininet 32 none" || continue
    b=$(now)
    whole "Mininet" "pingall of 32 hosts" "mininet 32 pingall" || continue
    c=$(now)
    awk -v t=$((c - b - b + a)) 'BEGIN {print t / 1e9}' >> "$dir/pingall"
  done
  report "pingall, 32 hosts: Mininet (with it less without)" "$dir/pingall"
}

# The labs of 96ac41a; those that came later would make the sum another one.
first_labs="$(ls labs/*.yaml | sed 's,labs/,,; s,\.yaml,,' | grep -vx spanning-tree)"

bench_labs() {
  local what bin
  for what in serial -j8; do
    local jobs=1
    [ $what = serial ] || jobs=8
    rm -f "$dir"/labs-*
    for _ in $(seq "$runs"); do
      for bin in "$labctl" ${LABCTL_OLD:+"$LABCTL_OLD"}; do
        local a b name=labctl
        [ "$bin" = "$labctl" ] || name=old
        a=$(now)
        # shellcheck disable=SC2086 # words
        whole "the 31 labs" "$name" "$bin verify -j $jobs $(echo $first_labs)" || continue
        b=$(now)
        awk -v t=$((b - a)) 'BEGIN {print t / 1e9}' >> "$dir/labs-$name"
      done
    done
    report "verify the 31 labs, $what: labctl" "$dir/labs-labctl"
    [ -z "${LABCTL_OLD:-}" ] || report "verify the 31 labs, $what: the old one" "$dir/labs-old"
  done
  for what in nested-esxi policy-matrix mitm-one-bridge; do
    times "verify $what" : "$labctl verify $what" :
    [ -z "${LABCTL_OLD:-}" ] || times "verify $what: the old one" : "$LABCTL_OLD verify $what" :
  done
}

# 32 hosts, of which 16 are behind a wall that lets nothing through but ARP: 512 of 992 pairs are silent.
bench_silence() {
  { printf 'format: 1\nlab: bench-wall\nnodes:\n  s1:\n    kind: bridge\n    rules:\n      wall:\n        nft: |\n'
    printf '          table bridge wall {\n            chain c {\n              type filter hook forward priority 0;\n'
    printf '              ip saddr 10.1.1.0/24 ip daddr 10.1.0.0/24 counter drop\n              ip saddr 10.1.0.0/24 ip daddr 10.1.1.0/24 counter drop\n            }\n          }\n'
    for i in $(seq 32); do printf '  h%d: {ip: 10.1.%d.%d/16}\n' "$i" $((i % 2)) "$i"; done
    printf 'links:\n'
    for i in $(seq 32); do printf '  - h%d -- s1\n' "$i"; done; } > "$dir/wall.yaml"
  times "ping matrix, 32 hosts, 512 of 992 pairs silent" "$labctl up $dir/wall.yaml" "$labctl matrix -o json" "$labctl down bench-wall"
  lab 1000
  { cat "$dir/bench-1000.yaml"; printf 'expect:\n  ping: |\n    from\\to'
    for i in $(seq 20); do printf ' h%d' $((i * 50)); done
    for i in $(seq 20); do printf '\n    h%d' $((i * 50)); for k in $(seq 20); do [ "$i" = "$k" ] && printf ' -' || printf ' ok'; done; done
    printf '\n'; } > "$dir/twenty.yaml"
  times "verify 20 x 20 of 1000 hosts that are up" "$labctl up $dir/twenty.yaml" "$labctl verify bench-1000" "$labctl down bench-1000"
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

# turns NAME SETUP COMMAND CLEANUP: the medians of COMMAND's seconds with either binary, which is $it in all three, and
# the new one's share of the old
turns() {
  local it side
  rm -f "$dir"/turn-*
  for _ in $(seq "$runs"); do
    for side in old new; do
      it=$LABCTL_OLD
      [ $side = old ] || it=$labctl
      timed "$dir/turn-$side" "$1, $side" "$2" "$3" "$4"
    done
  done
  ratio "$1" s 3
}
# ratio NAME UNIT DIGITS: one line for what turn-old and turn-new hold
ratio() {
  if [ "$(cat "$dir"/turn-old "$dir"/turn-new 2>/dev/null | wc -l)" -lt $((2 * runs)) ]; then
    printf '%-46s failed\n' "$1"
    touch "$dir/failed"
    return
  fi
  awk -v n="$1" -v u="$2" -v d="$3" -v old="$(median < "$dir/turn-old")" -v new="$(median < "$dir/turn-new")" \
    'BEGIN {printf "%-46s old %9.*f %s, new %9.*f %s: %.2fx\n", n, d, old, u, d, new, u, new / old}'
}
bench_pairs() {
  [ -n "${LABCTL_OLD:-}" ] || { echo "bench.sh: pairs needs another binary in LABCTL_OLD" >&2; exit 2; }
  lab 32; lab 100; lab 1000
  turns "up, 100 hosts" : "$it_up_100" "\$it down bench-100"
  turns "down, 100 hosts" "$it_up_100" "\$it down bench-100" :
  turns "up, 100 hosts, nothing to change" "$it_up_100" "$it_up_100" "\$it down bench-100"
  turns "exec NODE -- true" "\$it up two-hosts" "\$it exec h1 -- true" "\$it down two-hosts"
  turns "ping matrix, 32 hosts, fresh" "\$it up $dir/bench-32.yaml" "\$it matrix -o json" "\$it down bench-32"
  turns "ping matrix, 100 hosts, fresh" "$it_up_100" "\$it matrix -o json" "\$it down bench-100"
  roomy
  turns "ping matrix, 100 hosts, kept" "$it_up_100; \$it matrix --kept -o json" "\$it matrix --kept -o json" "\$it down bench-100"
  stock
  turns "verify subnet-mask-typo" : "\$it verify subnet-mask-typo" :
  turns "up, 1000 hosts" : "\$it up $dir/bench-1000.yaml" "\$it down bench-1000"
  if peer trafgen netsniff-ng && peer iperf3 iperf3 && peer nft nftables; then
    go build -o "$dir/pingpong" scripts/pingpong.go
    export PINGPONG=$dir/pingpong
    local side
    for _ in $(seq "$runs"); do
      LABCTL=$LABCTL_OLD scripts/bench_switch.sh pair labctl >> "$dir/pair-old" || touch "$dir/failed"
      LABCTL=$labctl scripts/bench_switch.sh pair labctl >> "$dir/pair-new" || touch "$dir/failed"
    done
    local i=0 what
    for what in "switch, frames/s" "switch, TCP Gbit/s" "switch, round trip us"; do
      i=$((i + 1))
      for side in old new; do awk -v c=$i '{print $c}' "$dir/pair-$side" > "$dir/turn-$side"; done
      ratio "$what" "" 2
    done
  fi
}
it_up_100='$it up $dir/bench-100.yaml'
column() { awk -v c="$1" '{print $c}' "$2" | median; }

echo "$(nproc) cores, $(uname -r), load $(cut -d' ' -f1 /proc/loadavg), medians of $runs"
for what in ${*:-up matrix verify labs silence exec memory switch}; do bench_$what; done
[ ! -e "$dir/failed" ]
