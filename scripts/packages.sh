#!/bin/sh
# Lists packages of the module, so that no list of them is kept by hand:
#   pure      needs no kernel, and starts no goroutine, nor does what it imports
#   threads   needs no kernel, and goroutines run in it
#   live      its tests need a kernel: they, or what they import for it, ask for LABCTL_LIVE, or are those of the whole program
#   portable  builds for other systems too
set -eu
cd "$(dirname "$0")/.."

case ${1:-} in
portable)
	GOOS=darwin go list -deps ./cmd/labctl | grep '^labctl/'
	exit
	;;
pure | threads | live) ;;
*)
	echo "usage: packages.sh pure|threads|live|portable" >&2
	exit 2
	;;
esac

# Where a file of a package, or of a test of it, starts a goroutine.
starts=$(grep -rlE --include='*.go' '^[[:space:]]*go (func\(|[A-Za-z_.]+\()|\.Go\(' . | xargs -n 1 dirname | sort -u | sed 's,^\./,labctl/,; s,^\.$,labctl,')
lives=$(grep -rl --include='*_test.go' LABCTL_LIVE . | xargs -n 1 dirname | sort -u | sed 's,^\./,labctl/,')
helpers=$(grep -rl --include='*.go' --exclude='*_test.go' LABCTL_LIVE . | xargs -n 1 dirname | sort -u | sed 's,^\./,labctl/,')
among() { printf '%s\n' "$2" | grep -qxF "$1"; }

go list -f '{{.ImportPath}}{{range .Deps}} {{.}}{{end}} tests{{range .TestImports}} {{.}}{{end}}{{range .XTestImports}} {{.}}{{end}}' ./... | while read -r package deps; do
	kind=pure tests=${deps#* tests} deps=${deps%% tests*}
	for used in $package $deps; do
		case $used in labctl*) if among "$used" "$starts"; then kind=threads; fi ;; esac
	done
	for used in $tests; do
		case $used in labctl*) if among "$used" "$helpers"; then kind=live; fi ;; esac
	done
	if [ "$package" = labctl/e2e ] || among "$package" "$lives"; then kind=live; fi
	[ "$package" != labctl/scripts ] || continue # programs of their own
	[ "$kind" != "$1" ] || printf '%s\n' "./${package#labctl/}" | sed 's,^\./labctl$,.,'
done
