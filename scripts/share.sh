#!/bin/sh
# usage: share.sh LABCTL DIR    makes completions and manual pages of the command tree: DIR/labctl.bash, _labctl, labctl.fish, man1/
#
# LABCTL is a binary that runs here. DIR is made new.
set -eu
labctl=$(realpath "$1")
case $2 in /*) dir=$2 ;; *) dir=$PWD/$2 ;; esac
cd "$(dirname "$0")/.."

SOURCE_DATE_EPOCH=$(scripts/stamp.sh epoch)
export SOURCE_DATE_EPOCH
rm -rf "$dir.new"
mkdir -p "$dir.new/man1"
"$labctl" completion bash >"$dir.new/labctl.bash"
"$labctl" completion zsh >"$dir.new/_labctl"
"$labctl" completion fish >"$dir.new/labctl.fish"
# The command tree is of package main, which nothing can import but its own tests.
LABCTL_MAN_DIR="$dir.new/man1" go test ./cmd/labctl -count=1 -ldflags "$(scripts/stamp.sh ldflags)" -run '^TestManPages$' >&2
rm -rf "$dir"
mv "$dir.new" "$dir"
