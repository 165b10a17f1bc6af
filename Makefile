# make test is all there is to know; see docs/testing.md.

.PHONY: build test unit live bench docs

build:
	go build -o bin/labctl ./cmd/labctl

test:
	scripts/setup.sh
	scripts/check.sh
	$(MAKE) --no-print-directory unit live

unit:
	go test -race -v $$(go list ./... | grep -v -e /e2e$$ -e /switchcore/datapath$$ -e /topology/kernel$$ -e /topology/reach$$)

live:
	scripts/live.sh

bench:
	scripts/bench.sh

docs:
	go test ./cmd/labctl -run TestCLIDocs -update
