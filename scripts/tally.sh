#!/bin/bash
# usage: tally.sh [-o LOG] COMMAND...    runs a command that tests, and ends with a line of counts; root may skip nothing.
set -uo pipefail
if [ "${1:-}" = -o ]; then
	log=$2
	shift 2
else
	log=$(mktemp)
	trap 'rm -f "$log"' EXIT
fi

"$@" </dev/null 2>&1 | tee "$log"
status=${PIPESTATUS[0]}

# Go prints a line for each test and subtest; Ginkgo one of counts for its suite, which is one Go test.
passed=$(grep -cE '^ *--- PASS: ' "$log")
failed=$(grep -cE '^ *--- FAIL: ' "$log")
skipped=$(grep -cE '^ *--- SKIP: ' "$log")
count() { grep -E '^(SUCCESS|FAIL)! -- ' "$log" | sed -E "s/.* ([0-9]+) $1.*/\1/" | awk '{n += $1} END {print n + 0}'; }
passed=$((passed + $(count Passed)))
failed=$((failed + $(count Failed)))
skipped=$((skipped + $(count Skipped)))

if [ "$(id -u)" -eq 0 ] && [ "$skipped" -gt 0 ]; then
	echo "skipped tests, and root may run all of them:"
	grep -E '^ *--- SKIP: |\[SKIPPED\]' "$log"
	[ "$status" -ne 0 ] || status=1
fi
# Whoever sees only the end of a long log sees what failed, and the lines around it.
if [ "$failed" -gt 0 ]; then
	echo "failed tests:"
	grep -hE -B 6 -A 2 '^ *--- FAIL: ' "$log" | cut -c 1-300 | head -n 80
	grep -hE '^ *\[(FAIL|PANICKED|TIMEDOUT)\] ' "$log" | cut -c 1-300 | sort -u | head -n 40
fi
[ "$failed" -eq 0 ] || [ "$status" -ne 0 ] || status=1
[ "$status" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1 # something did not even build or run
printf 'tests run: %d\n%d passed, %d failed, %d skipped\n' $((passed + failed)) "$passed" "$failed" "$skipped" | tee -a "$log"
exit "$status"
