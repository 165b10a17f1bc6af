#!/bin/sh
# usage: install.sh install|uninstall    what "make install" and "make uninstall" do with bin/labctl and bin/share
#
#   PREFIX    where it is installed (/usr/local)
#   DESTDIR   a directory in front of it, for those who make packages
#
# A list of what was installed is installed too, and names what is removed: nothing is removed by a pattern.
set -eu
umask 022
cd "$(dirname "$0")/.."
prefix=${PREFIX:-/usr/local}
case $prefix in
/*) ;;
*)
	echo "install: PREFIX=$prefix: want an absolute path" >&2
	exit 2
	;;
esac
list=$prefix/share/labctl/installed

remove() {
	while read -r path; do
		rm -f "${DESTDIR:-}$path"
	done <"${DESTDIR:-}$list"
	rm -f "${DESTDIR:-}$list"
	rmdir "${DESTDIR:-}$prefix/share/labctl" 2>/dev/null || :
}

# put MODE FILE PATH: to $prefix/PATH, and onto the list.
put() {
	install -D -m "$1" "$2" "${DESTDIR:-}$prefix/$3"
	echo "$prefix/$3" >>"${DESTDIR:-}$list"
}

case ${1:-} in
install)
	[ ! -e "${DESTDIR:-}$list" ] || remove # also what this version does not have any more
	mkdir -p "${DESTDIR:-}$(dirname "$list")"
	: >"${DESTDIR:-}$list"
	put 755 bin/labctl bin/labctl
	put 644 bin/share/labctl.bash share/bash-completion/completions/labctl
	put 644 bin/share/_labctl share/zsh/site-functions/_labctl
	put 644 bin/share/labctl.fish share/fish/vendor_completions.d/labctl.fish
	for page in bin/share/man1/*; do
		put 644 "$page" "share/man/man1/$(basename "$page")"
	done
	;;
uninstall)
	if [ ! -e "${DESTDIR:-}$list" ]; then
		echo "install: ${DESTDIR:-}$list: there is no such file, so nothing was installed there by make install" >&2
		exit 1
	fi
	remove
	;;
*)
	sed -n '2s/^# //p' "$0" >&2
	exit 2
	;;
esac
