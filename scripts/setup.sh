#!/bin/sh
# Installs the programs that the tests need, if any is missing; "setup.sh bench": those that labctl is measured with, too.
set -eu
export PATH="$PATH:/usr/sbin:/sbin"

missing=
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need ip iproute2
need bridge iproute2
need ping iputils-ping
need tcpdump tcpdump
need tshark tshark # reads what "labctl capture" writes
need scapy python3-scapy # the article's own command
need arpspoof dsniff
need iperf3 iperf3
need nft nftables
need iptables-restore iptables
need ip6tables-restore iptables
need sysctl procps
need script bsdutils
need setpriv util-linux
need bash bash
need dot graphviz # "labctl graph -o svg"
need gcc gcc # the race detector
need git git # what a release is made of
need debootstrap debootstrap # the Debian that the package is installed in
need rpm rpm
need man man-db
need curl curl
need nc netcat-openbsd
[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || missing="$missing debian-archive-keyring"
# The peers of "bench.sh switch"; it leaves out those that are not there.
if [ "${1:-}" = bench ]; then
	need trafgen netsniff-ng
	need ovs-vswitchd openvswitch-switch
	need vde_switch vde2
	need mn mininet
	need brctl bridge-utils
fi
[ -z "$missing" ] && exit 0

packages=$(printf '%s\n' $missing | sort -u | tr '\n' ' ')
if ! command -v apt-get >/dev/null 2>&1; then
	echo "setup: the tests need the programs of these Debian packages; install them with this system's own tool: $packages" >&2
	exit 1
fi
as_root=
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null 2>&1; then
		echo "setup: run this as root: apt-get install $packages" >&2
		exit 1
	fi
	as_root=sudo
fi
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -q
# shellcheck disable=SC2086 # a list of words
$as_root apt-get install -q -y --no-install-recommends $packages </dev/null
