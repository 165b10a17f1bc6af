# make test is all there is to know; see docs/testing.md.

.PHONY: build test unit live bench docs

build:
	go build -o bin/labctl ./cmd/labctl

test:
	scripts/setup.sh
	scripts/check.sh
	$(MAKE) --no-print-directory unit live

# The race detector is on where goroutines are; the packages that decide start none.
unit:
	LABCTL_BOUNDS=all go test -v . ./labs ./switchcore ./topology ./topology/expect ./topology/labfile ./topology/labfile/grammar ./topology/plan ./topology/problem ./topology/rules
	go test -race -v ./cmd/labctl ./cmd/labctl/pcap

live:
	scripts/live.sh

bench:
	scripts/bench.sh

docs:
	go test ./cmd/labctl -run TestCLIDocs -update
