#!/bin/sh
# usage: stamp.sh version|commit|date|dirty|epoch|ldflags    what the sources are, as git has it
#
#   version   that of the tag vX.Y.Z of the commit; else that of the sources, with the commit behind it: 0.1.0-dev+20260504030201.c0ffee1
#   commit    in full; "unknown" where there is no clone, or git may not read it
#   date      the commit's, RFC 3339 in UTC
#   dirty     whether there are changes that the commit does not have
#   epoch     the date in seconds, for times of files: of SOURCE_DATE_EPOCH if that is set; without git the time of CHANGELOG.md
#   ldflags   what the linker is to write into the binary (cmd/labctl/wire/version.go)
set -eu
cd "$(dirname "$0")/.."

release=$(sed -n 's/^const release = "\(.*\)"$/\1/p' cmd/labctl/wire/version.go)
commit=unknown date=unknown dirty=false version=$release epoch=$(stat -c %Y CHANGELOG.md)
# A tree that was unpacked within somebody else's repository has no commit of its own.
top=$(git rev-parse --show-toplevel 2>/dev/null) || top=
if [ -n "$top" ] && [ "$top" -ef . ] && git rev-parse -q --verify HEAD >/dev/null; then
	commit=$(git rev-parse HEAD)
	epoch=$(git log -1 --no-show-signature --format=%ct)
	date=$(date -u -d "@$epoch" +%Y-%m-%dT%H:%M:%SZ)
	[ -z "$(git status --porcelain)" ] || dirty=true
	tag=$(git tag --points-at HEAD --list 'v[0-9]*' --sort=-version:refname | head -n 1)
	if [ -n "$tag" ] && [ $dirty = false ]; then
		version=${tag#v}
	else
		version=$release+$(date -u -d "@$epoch" +%Y%m%d%H%M%S).$(printf %.7s "$commit")
		[ $dirty = false ] || version=$version.dirty
	fi
fi
case ${1:-} in
version) echo "$version" ;;
commit) echo "$commit" ;;
date) echo "$date" ;;
dirty) echo "$dirty" ;;
epoch) echo "${SOURCE_DATE_EPOCH:-$epoch}" ;;
ldflags)
	at=labctl/cmd/labctl/wire.stamped
	echo "-X ${at}Version=$version -X ${at}Commit=$commit -X ${at}Date=$date -X ${at}Dirty=$dirty"
	;;
*)
	sed -n '2s/^# //p' "$0" >&2
	exit 2
	;;
esac
