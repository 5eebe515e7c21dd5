#!/usr/bin/env bash
# The README's test command, the ledger of what is proven held against its results, and those results counted.
# With --require the ledger may name no client that did not run.
set -euo pipefail
cd "$(dirname "$0")/.."

results=$(mktemp)
trap 'rm -f "$results"' EXIT
npm test -- --reporter=default --reporter=json --outputFile.json="$results"
if [ "${1:-}" = --require ]; then node scripts/evidence.js "$results" --all; else node scripts/evidence.js "$results"; fi
node -e '
  const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
  console.log(`${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped`);
' "$results"
