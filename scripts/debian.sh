#!/bin/sh
# usage: debian.sh DIR    makes a small Debian 12 in DIR, as root, from the mirror that this machine's apt has
set -eu
export PATH="$PATH:/usr/sbin:/sbin"
# The fields are as "apt-get indextargets" calls them; a machine with another system has no bookworm, and takes Debian's own.
mirror=$(apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
	awk '$1 == "bookworm" && $2 == "main" {print $3; exit}')
eval "$(apt-config shell http_proxy Acquire::http::Proxy)"
[ -z "${http_proxy:-}" ] || export http_proxy
# debootstrap mounts /proc in there, and that is nobody else's business.
exec unshare --mount --propagation private \
	debootstrap --variant=minbase bookworm "$1" "${mirror:-http://deb.debian.org/debian}"
