#!/usr/bin/env bash
# Installs what the tests with other people's clients need, from the registries of their languages, into .clients/:
# each client's folder in test/clients/ has a setup.sh of its own. What cannot be had here is named, and its tests skip
# themselves and say so; with --require it is a failure. Further arguments name the folders to set up; default: all.
set -uo pipefail
cd "$(dirname "$0")/.."

require=false
if [ "${1:-}" = --require ]; then
  require=true
  shift
fi
if [ $# -eq 0 ]; then set -- test/clients/*/setup.sh; else set -- "${@/%//setup.sh}" && set -- "${@/#/test/clients/}"; fi

# What a setup.sh exits with when it finds no way to install its client here.
cannot=3
status=0
for setup in "$@"; do
  client=$(basename "$(dirname "$setup")")
  bash "$setup"
  case $? in
    0) echo "setup-clients: $client is there" ;;
    $cannot) echo "setup-clients: $client cannot be set up here: its tests will be skipped" >&2 && $require && status=1 ;;
    *) echo "setup-clients: $client failed" >&2 && status=1 ;;
  esac
done
exit $status
