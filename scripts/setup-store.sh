#!/usr/bin/env bash
# Installs the engine that the tests of the shared store run against, from Debian's packages. Where it cannot be had, the
# tests skip themselves and say so; with --require that is a failure.
set -uo pipefail

for program in valkey-server redis-server; do
  if command -v "$program" >/dev/null; then
    echo "setup-store: $("$program" --version)"
    exit 0
  fi
done
# Without the service that the package would start: the tests start their own.
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  policy=/usr/sbin/policy-rc.d
  [ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy" && trap 'rm -f "$policy"' EXIT; }
  apt-get install -y -qq redis-server >/dev/null && echo "setup-store: $(redis-server --version)" && exit 0
fi
echo "setup-store: redis-server cannot be installed here: the tests of the shared store will be skipped" >&2
[ "${1:-}" != --require ]
