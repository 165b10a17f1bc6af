#!/bin/sh
# gofmt and go vet; and that the packages which need no Linux build and vet elsewhere.
set -eu
cd "$(dirname "$0")/.."

unformatted=$(gofmt -l .)
if [ -n "$unformatted" ]; then
	echo "not formatted, run gofmt -w on: $unformatted" >&2
	exit 1
fi
go vet ./...
GOOS=darwin go vet ./topology ./topology/expect ./topology/labfile ./topology/labfile/grammar ./topology/plan ./topology/problem ./topology/rules ./labs ./cmd/labctl
GOOS=darwin go build -o /dev/null ./cmd/labctl
