#!/bin/bash
# The tests that need a kernel: as whoever calls, and when that is root also as an ordinary user, at the same time. Arguments are packages;
# without them all that packages.sh calls live. Nothing may be skipped for want of privileges: LABCTL_LIVE=1 makes that a failure.
#
# LABCTL_TEST_UID    the ordinary user's number (65534)
# LABCTL_TEST_JOBS   how many packages are tested at once, an ordinary user's turn being one of its own (4: they mostly wait)
# LABCTL_TEST_PROCS  how many processes share the end-to-end specs of one user (4)
# LABCTL_TEST_SEED   the seed of what the end-to-end specs leave to chance (1)
# LABCTL_PROOF       all that "make proof" wants, instead of a part with fixed seeds
#
# Everything is built with the race detector, labctl too. What it has to report, also of supervisors that nobody waits for, is read
# at the end, and is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
# The longest first: those specs mostly wait, and what computes has the processors meanwhile.
# shellcheck disable=SC2046 # words
[ $# -gt 0 ] || set -- ./e2e $(scripts/packages.sh live | grep -vx ./e2e)
uid=${LABCTL_TEST_UID:-65534}
jobs=${LABCTL_TEST_JOBS:-4}
procs=${LABCTL_TEST_PROCS:-4}
seed=${LABCTL_TEST_SEED:-1}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -m 700 "$work/home" "$work/home/tmp" "$work/home/run"
mkdir "$work/log" "$work/races"
chmod 755 "$work"
[ "$(id -u)" -ne 0 ] || chown -R "$uid:$uid" "$work/home"

export LABCTL_LIVE=1 LABCTL_BIN="$work/labctl"

go build -race -o "$work/labctl" ./cmd/labctl
go build -o "$work/ginkgo" github.com/onsi/ginkgo/v2/ginkgo
for package; do
	go test -c -race -o "$work/$(basename "$package").test" "$package"
done
# ginkgo starts a compiled suite in the directory that holds it, and this one reads the documents beside its sources.
printf '#!/bin/sh\ncd "%s" && exec "%s" "$@"\n' "$PWD/e2e" "$work/e2e.test" > "$work/ginkgo-e2e.test"
chmod 755 "$work/ginkgo-e2e.test"

# What a shell starts in the background, or nohup starts, has signals ignored, and so would what the tests start.
default=()
if env --default-signal true 2>/dev/null; then default=(env --default-signal); fi

# Where the machine's own network and files are; what is fetched for a test is fetched there (e2e/outside_test.go).
export LABCTL_TEST_OUTSIDE=$$

# machine COMMAND...: with a network namespace in place of the machine's, so that nobody else's doings there are taken for a test's.
machine() {
	if [ "$(id -u)" -ne 0 ]; then
		"$@"
		return
	fi
	unshare --net sh -ec '
		ip link set lo up
		ip link add eth0 type veth peer name far
		ip link set far up
		ip link set eth0 up
		ip addr add 192.0.2.2/24 dev eth0
		ip route add default via 192.0.2.1
		ip rule add to 198.51.100.0/24 lookup 100
		nft add table inet machine
		exec "$@"' sh "$@"
}

# one PACKAGE WHO COMMAND...: a package's tests, in its directory, as go test does. Only e2e is Ginkgo's.
one() {
	local package=$1 who=$2 name test run=() status=0
	shift 2
	name=$(basename "$package")
	test=("$work/$name.test" -test.v -test.timeout 40m)
	[ "$name" != e2e ] || test=("$work/ginkgo" "--procs=$procs" "--seed=$seed" --no-color -v --timeout 60m "$work/ginkgo-e2e.test")
	[ "$name" != e2e ] || run=(machine)
	echo "=== $package as $who"
	(cd "$package" && "${run[@]}" "${default[@]}" "$@" "${test[@]}" 2>&1) || status=1
	echo "=== $package as $who: $([ $status = 0 ] && echo ok || echo FAILED) after $SECONDS s"
	return $status
}
ordinary=(setpriv "--reuid=$uid" "--regid=$uid" --clear-groups
	env "HOME=$work/home" "TMPDIR=$work/home/tmp" "XDG_RUNTIME_DIR=$work/home/run")

# begin PACKAGE WHO COMMAND...: one of them in the background. Its output is shown when it has ended, in one piece. A storm of frames takes what
# processors there are: the specs that make one wait until nobody else holds this lock (e2e/alone_test.go).
export LABCTL_TEST_ALONE=$work/alone
touch "$LABCTL_TEST_ALONE"
chmod 666 "$LABCTL_TEST_ALONE"
begin() {
	while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n || :; done
	local log
	log=$(mktemp "$work/log/XXXXXX")
	(
		trap - EXIT
		SECONDS=0
		if [ "$(basename "$1")" != e2e ]; then exec 8< "$LABCTL_TEST_ALONE" && flock -s 8; fi
		# A file is called by the number of its process, and every supervisor is 1 in its namespace: users do not share them. A process that
		# has the race detector waits a second before it ends, for races of its last moment; there are thousands of processes.
		races=$work/races/$(basename "$log")
		mkdir -m 777 "$races" && chmod 777 "$races"
		export GORACE="log_path=$races/report atexit_sleep_ms=0"
		one "$@" > "$log" 8<&- || touch "$work/failed"
		exec 8<&- 9> "$work/shown"
		flock 9
		cat "$log"
	) &
}
for package; do
	if [ "$(id -u)" -ne 0 ]; then
		begin "$package" "$(id -un)"
	else
		begin "$package" root
		begin "$package" "user $uid" "${ordinary[@]}"
	fi
done
wait
status=0
[ ! -e "$work/failed" ] || status=1

for report in "$work"/races/*/report.*; do
	[ -e "$report" ] || continue
	echo "--- FAIL: a data race ($(head -n 1 "$work/log/$(basename "$(dirname "$report")")"))"
	cat "$report"
	status=1
done
exit $status
