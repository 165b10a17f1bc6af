#!/bin/sh
# Has Mermaid's own parser read what labctl draws: docs/labs.md and the golden files of topology/graph. Exit code 4 where it cannot be had.
set -eu
cd "$(dirname "$0")/.."

if ! command -v npm >/dev/null 2>&1; then
	echo "mermaid: npm is not installed (apt-get install npm), so Mermaid itself has not read its diagrams" >&2
	exit 4
fi
dir=bin/mermaid
mkdir -p $dir
if ! cmp -s scripts/mermaid/package-lock.json $dir/package-lock.json || [ ! -d $dir/node_modules ]; then
	cp scripts/mermaid/package.json scripts/mermaid/package-lock.json $dir
	npm ci --prefix $dir --no-audit --no-fund --ignore-scripts --loglevel=error >&2 || {
		echo "mermaid: npm cannot fetch Mermaid, so Mermaid itself has not read its diagrams" >&2
		exit 4
	}
fi
cp scripts/mermaid/check.mjs $dir
node $dir/check.mjs docs/labs.md topology/graph/testdata/*.mmd
