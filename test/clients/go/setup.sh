#!/usr/bin/env bash
# The driver, built with the libraries that go.mod pins, from code that their generators make of our schema: all of it
# in .clients/go/module, a copy of this folder, so that nothing generated comes into the repository.
set -euo pipefail

if ! command -v go >/dev/null; then
  echo "go: there is no go in the PATH" >&2
  exit 3
fi

here=test/clients/go
there=$PWD/.clients/go
made_of=$(cat "$here"/* $(find proto/gitpod proto/buf -name '*.proto' | sort) <(go version) | sha256sum)
if [ -x "$there/driver" ] && [ "$(cat "$there/made-of" 2>/dev/null)" = "$made_of" ]; then exit 0; fi

export GOBIN=$there/bin GOFLAGS=-mod=readonly
rm -rf "$there/module" "$there/driver"
mkdir -p "$there/module"
cp "$here"/*.go "$here"/go.mod "$here"/go.sum "$there/module"
(cd "$there/module" && go install tool)
PATH=$GOBIN:$PATH node_modules/.bin/buf generate --template "$here/buf.gen.yaml" --output "$there/module" \
  --path proto/gitpod --path proto/buf
(cd "$there/module" && go build -buildvcs=false -o "$there/driver" .)
echo "$made_of" >"$there/made-of"
