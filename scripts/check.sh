#!/bin/sh
# gofmt and go vet; that the packages which need no Linux build and vet elsewhere; and that Mermaid, where npm has it, reads our diagrams.
set -eu
cd "$(dirname "$0")/.."

unformatted=$(gofmt -l .)
if [ -n "$unformatted" ]; then
	echo "not formatted, run gofmt -w on: $unformatted" >&2
	exit 1
fi
go vet ./...
# shellcheck disable=SC2046 # words
GOOS=darwin go vet $(scripts/packages.sh portable)
GOOS=darwin go build -o /dev/null ./cmd/labctl
scripts/mermaid.sh || [ $? = 4 ]
