#!/bin/bash
# What "make test" tries a part of is tried in full, and then the live tests five times in a row (LABCTL_PROOF_ROUNDS) while all processors are
# busy, each time with another seed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
rounds=${LABCTL_PROOF_ROUNDS:-5}
status=0
part() {
	local what=$1
	shift
	echo "### $(date -u '+%F %T') $what: $*"
	"$@" || {
		status=1
		echo "### failed: $what"
	}
}
echo "### $(git describe --always --dirty 2>/dev/null), $(go version), Linux $(uname -r), $(nproc) processors"
part "all worlds, all bounds" env LABCTL_PROOF=1 make --no-print-directory unit
part "every step, all rounds" env LABCTL_PROOF=1 LABCTL_TEST_SEED="$(date +%s)" scripts/live.sh
for round in $(seq "$rounds"); do
	part "beside busy processors, $round of $rounds" env LABCTL_TEST_SEED="$round" scripts/busy.sh scripts/live.sh
done
echo "### $(date -u '+%F %T') end"
exit $status
