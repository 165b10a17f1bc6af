# make test is what a change must pass, make proof what a claim about all of it is made from; see docs/testing.md.

.PHONY: build test unit live proof bench docs

build:
	go build -o bin/labctl ./cmd/labctl

test:
	scripts/setup.sh
	scripts/check.sh
	$(MAKE) --no-print-directory unit live

# The race detector is on where goroutines are; the packages that decide start none.
unit:
	go test -v $$(scripts/packages.sh pure)
	go test -race -v $$(scripts/packages.sh threads)

live:
	scripts/live.sh

# Hours; the log is to be quoted.
proof:
	scripts/setup.sh
	mkdir -p bin
	scripts/tally.sh -o bin/proof.log scripts/proof.sh

bench:
	scripts/bench.sh

docs:
	go test ./cmd/labctl -run TestCLIDocs -update
