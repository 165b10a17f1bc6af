# make test is what a change must pass, make proof what a claim about all of it is made from; see docs/testing.md.

.PHONY: all build install uninstall dist test unit live proof bench docs

# Where make install puts things; DESTDIR comes before it, for those who make packages.
PREFIX ?= /usr/local

# All that make install installs, so that "make && sudo make install" does not compile as root.
all: bin/share

build:
	go build -ldflags "$$(scripts/stamp.sh ldflags)" -o bin/labctl ./cmd/labctl

bin/labctl: $(shell find cmd labs switchcore topology -type f -not -path '*/testdata/*') go.mod go.sum
	$(MAKE) --no-print-directory build

bin/share: bin/labctl
	scripts/share.sh bin/labctl bin/share

install: bin/share
	PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' scripts/install.sh install

uninstall:
	PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' scripts/install.sh uninstall

# Binaries, archives and packages in dist/, of the same bytes whenever they are made of one commit by one version of Go.
dist:
	scripts/dist.sh

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
