#!/bin/bash
# usage: dist.sh [DIR]    makes what a release has in DIR (dist): for each architecture an archive, a .deb and an .rpm, and SHA256SUMS
#
#   MAINTAINER         whom the packages name
#   SOURCE_DATE_EPOCH  the time of all files, instead of the commit's
#
# The same commit and version of Go give the same bytes: nothing in them is the builder's, neither paths, names nor times.
# Needs only what is in the module cache.
set -euo pipefail
umask 022
export LC_ALL=C TZ=UTC
out=$(realpath -m "${1:-$(dirname "$0")/../dist}")
cd "$(dirname "$0")/.."
if [ "$(go env GOHOSTOS)" != linux ]; then
	echo "dist: completions and manual pages are made by a labctl for Linux; run this on Linux" >&2
	exit 4
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$(scripts/stamp.sh version)
SOURCE_DATE_EPOCH=$(scripts/stamp.sh epoch)
MAINTAINER=${MAINTAINER:-The labctl authors <labctl@localhost>}
export VERSION=$version MAINTAINER SOURCE_DATE_EPOCH

# All that a builder may have set otherwise, for all that is compiled here, so that most of it is compiled once.
unset GOEXPERIMENT GODEBUG GOOS GOARCH
export CGO_ENABLED=0 GOAMD64=v1 GOARM64=v8.0 GOFLAGS="-mod=readonly -trimpath -buildvcs=false"

# build ARCH FILE
build() { GOOS=linux GOARCH=$1 go build -ldflags "-s -w $(scripts/stamp.sh ldflags)" -o "$2" ./cmd/labctl; }

# pack FILE: without the name and the time that gzip keeps.
pack() { gzip -9 -n <"$1"; }

# licenses: those of all that is linked into the binary, as they ask for.
licenses() {
	echo "labctl holds the Go standard library and these modules. Their licenses:"
	printf '\n==== Go, %s\n\n' "$(go env GOVERSION)"
	cat "$(go env GOROOT)/LICENSE"
	GOOS=linux go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' ./cmd/labctl |
		sort -u | while read -r path at dir; do
		[ -n "$path" ] || continue
		found=
		for text in "$dir"/LICENSE* "$dir"/LICENCE* "$dir"/COPYING* "$dir"/NOTICE*; do
			[ -f "$text" ] || continue
			printf '\n==== %s %s, %s\n\n' "$path" "$at" "$(basename "$text")"
			cat "$text"
			found=1
		done
		[ -n "$found" ] || { echo "dist: $path has no license file" >&2 && exit 1; }
	done
}

# copyright: as Debian wants it; its base-files has the Apache license.
copyright() {
	cat <<-END
		Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
		Upstream-Name: labctl

		Files: *
		Copyright: The labctl authors
		License: Apache-2.0
		 On Debian systems, the text of the license is in
		 /usr/share/common-licenses/Apache-2.0.
		Comment: What is linked into the binary is in LICENSES.txt.gz beside this file.
	END
}

# debian_changelog DEB_VERSION
debian_changelog() {
	printf 'labctl (%s) unstable; urgency=medium\n\n  * See changelog.gz.\n\n -- %s  %s\n' "$1" "$MAINTAINER" \
		"$(date -R -u -d "@$SOURCE_DATE_EPOCH")"
}

go build -C scripts/dist -o "$work/nfpm" github.com/goreleaser/nfpm/v2/cmd/nfpm
build "$(go env GOHOSTARCH)" "$work/here"
scripts/share.sh "$work/here" "$work/share"

export STAGE=$work/stage
mkdir -p "$STAGE/man1" "$work/new"
cp LICENSE README.md CHANGELOG.md "$work/share/labctl.bash" "$work/share/_labctl" "$work/share/labctl.fish" "$STAGE"
licenses >"$STAGE/LICENSES.txt"
for page in "$work"/share/man1/*; do
	pack "$page" >"$STAGE/man1/$(basename "$page").gz"
done
copyright >"$STAGE/copyright"
pack CHANGELOG.md >"$STAGE/changelog.gz"
pack "$STAGE/LICENSES.txt" >"$STAGE/LICENSES.txt.gz"
debian_changelog "$(sed 's/-/~/' <<<"$version")-1" | gzip -9 -n >"$STAGE/changelog.Debian.gz"

for ARCH in amd64 arm64; do
	export ARCH
	build "$ARCH" "$STAGE/labctl"
	top=labctl_${version}_linux_$ARCH
	mkdir -p "$work/$top/completions" "$work/$top/man/man1"
	cp "$STAGE"/{labctl,LICENSE,LICENSES.txt,README.md,CHANGELOG.md} "$work/$top"
	cp "$STAGE"/{labctl.bash,_labctl,labctl.fish} "$work/$top/completions"
	cp "$work"/share/man1/* "$work/$top/man/man1"
	find "$STAGE" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
	tar -C "$work" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX --format=ustar \
		-cf - "$top" | gzip -9 -n >"$work/new/$top.tar.gz"
	for kind in deb rpm; do
		"$work/nfpm" package --config scripts/dist/nfpm.yaml --packager $kind --target "$work/new/" >&2
	done
done
(cd "$work/new" && sha256sum -- * >"$work/SHA256SUMS")

# What an earlier run left is known by its list.
mkdir -p "$out"
if [ -e "$out/SHA256SUMS" ]; then
	while read -r _ old; do rm -f "$out/$old"; done <"$out/SHA256SUMS"
fi
cp "$work"/new/* "$work/SHA256SUMS" "$out"
cat "$out/SHA256SUMS"
