#!/bin/sh
# The tests that need a kernel: as whoever calls, and when that is root also as an ordinary user. Arguments are packages;
# without them the ones below. LABCTL_TEST_UID is the ordinary user's number (65534), LABCTL_TEST_PROCS how many processes share
# the end-to-end specs (4: they mostly wait). Nothing may be skipped for want of privileges: LABCTL_LIVE=1 makes that a failure.
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- ./switchcore/datapath ./topology/kernel ./topology/reach ./cmd/labctl/instance ./cmd/labctl/client ./cmd/labctl/switchproc ./cmd/labctl/supervisor ./e2e
uid=${LABCTL_TEST_UID:-65534}
procs=${LABCTL_TEST_PROCS:-4}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"

go build -o "$work/labctl" ./cmd/labctl
go build -o "$work/ginkgo" github.com/onsi/ginkgo/v2/ginkgo
for package; do
	go test -c -race -o "$work/$(basename "$package").test" "$package"
done
# These start themselves hundreds of times, which the race detector makes eight times as long; the others of their package keep it.
many='TestEveryStepFailsOnceAndDiesOnce|TestAChangeIsFinishedWithoutItsClient'
case " $* " in *"/supervisor "*) go test -c -o "$work/supervisor.plain" ./cmd/labctl/supervisor ;; esac
# ginkgo starts a compiled suite in the directory that holds it, and this one reads the documents beside its sources.
printf '#!/bin/sh\ncd "%s" && exec "%s" "$@"\n' "$PWD/e2e" "$work/e2e.test" > "$work/ginkgo-e2e.test"
chmod 755 "$work/ginkgo-e2e.test"
mkdir -m 700 "$work/home" "$work/home/tmp" "$work/home/run"

# one PACKAGE WHO COMMAND...: a package's tests, in its directory, as go test does. Only e2e is Ginkgo's.
one() {
	package=$1 who=$2
	shift 2
	echo "=== $package as $who"
	name=$(basename "$package")
	test="$work/$name.test -test.v -test.timeout 20m"
	first=0
	case $name in
	e2e) test="$work/ginkgo --procs=$procs --no-color -v --timeout 30m $work/ginkgo-e2e.test" ;;
	supervisor)
		(cd "$package" && exec env LABCTL_LIVE=1 "$@" "$work/supervisor.plain" -test.v -test.timeout 20m -test.run "$many" 2>&1) || first=1
		test="$test -test.skip $many"
		;;
	esac
	# shellcheck disable=SC2086 # words
	(cd "$package" && exec env LABCTL_LIVE=1 LABCTL_BIN="$work/labctl" "$@" $test 2>&1) && [ "$first" = 0 ]
}
as_user() {
	one "$1" "user $uid" HOME="$work/home" TMPDIR="$work/home/tmp" XDG_RUNTIME_DIR="$work/home/run" \
		setpriv --reuid="$uid" --regid="$uid" --clear-groups
}
# Both users' tests of a package run side by side, as they mostly wait. The specs of e2e look at the whole machine: one after the other.
status=0
[ "$(id -u)" -ne 0 ] || chown -R "$uid:$uid" "$work/home"
for package; do
	if [ "$(id -u)" -ne 0 ]; then
		one "$package" "$(id -un)" || status=1
	elif [ "$(basename "$package")" = e2e ]; then
		one "$package" root || status=1
		as_user "$package" || status=1
	else
		as_user "$package" > "$work/log" &
		other=$!
		one "$package" root || status=1
		wait $other || status=1
		cat "$work/log"
	fi
done
exit $status
