#!/bin/bash
# usage: busy.sh COMMAND...    runs a command while every processor has something else to do, too.
set -euo pipefail
spinning=()
stop() { kill "${spinning[@]}" 2>/dev/null || :; }
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
for _ in $(seq "$(nproc)"); do
	# One that is left behind, whatever becomes of this script, ends by itself.
	(
		trap - EXIT
		while kill -0 $$ 2>/dev/null; do for _ in {1..200000}; do :; done; done
	) &
	spinning+=($!)
done
"$@"
