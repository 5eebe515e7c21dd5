#!/usr/bin/env bash
# Runs the Connect project's conformance suite against the mock's listener and writes docs/conformance.md. Needs Go for
# the suite; without it this says so and is done, or fails with --require. --check fails if the file would change;
# --lean=off has every call take the long way, through Connect's handlers, and --bare runs the suite against Connect for
# Node alone: they write nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

module=connectrpc.com/conformance
version=v1.0.7

require=false check='' server=server.js lean=on
for argument in "$@"; do
  case $argument in
    --require) require=true ;;
    --check) check=--check ;;
    --bare) server=bare-server.js ;;
    --lean=off) lean=off ;;
    *) echo "conformance: unknown argument $argument: expected --require, --check, --lean=off or --bare" >&2 && exit 2 ;;
  esac
done

without() {
  echo "conformance: $1: the conformance suite is not run" >&2
  if $require; then exit 1; else exit 0; fi
}

command -v go >/dev/null || without "there is no go (https://go.dev/dl)"
tool=.clients/go/bin/connectconformance
if ! go version -m "$tool" 2>/dev/null | grep -q "$module[[:space:]]*$version"; then
  GOBIN="$PWD/.clients/go/bin" go install "$module/cmd/connectconformance@$version" ||
    without "go could not install $module@$version"
fi
source=$(go mod download -json "$module@$version" | sed -n 's/^\t"Dir": "\(.*\)",*$/\1/p')

work=.clients/conformance
schema=$source/proto/connectrpc/conformance/v1
npx buf generate "$source/proto" --path "$schema/service.proto" --path "$schema/server_compat.proto" \
  --path "$schema/config.proto" --template "{\"version\": \"v2\", \"clean\": true, \"plugins\": [{\"local\": \"protoc-gen-es\", \"out\": \"$work/gen\", \"opt\": [\"target=ts\", \"import_extension=ts\"]}]}"
rm -rf "$work/js"
npx tsc -p test/conformance/tsconfig.json
built=$work/js/test/conformance

known=(--known-failing @test/conformance/known-failing.txt --known-flaky @test/conformance/known-flaky.txt)
if [ "$server" != server.js ]; then known=(); fi

# The suite waits for a call that hangs for as long as it takes.
if ! timeout 300 "$tool" --mode server --conf test/conformance/config.yaml --vv \
  ${known[@]+"${known[@]}"} -- node "$built/$server" "--lean=$lean" >"$work/run.log" 2>"$work/run.err"; then
  grep -A5 '^FAILED' "$work/run.log" >&2 || true
  tail -n 20 "$work/run.err" >&2
  echo "conformance: failed; all that was said is in $work/run.log and $work/run.err" >&2
  exit 1
fi
sed -n '/^Total cases/,$p' "$work/run.log"
if [ "$server" = server.js ] && [ "$lean" = on ]; then
  node "$built/write-report.js" "connectconformance $version" "$work/run.log" \
    "$source/internal/app/connectconformance/testsuites/data" $check
fi
