#!/usr/bin/env bash
# grpcurl, which calls itself by its version if it is built as its releases are.
set -euo pipefail
version=v1.9.3

there=$PWD/.clients/grpcurl
if [ "$("$there/grpcurl" -version 2>&1)" = "grpcurl $version" ]; then exit 0; fi
if ! command -v go >/dev/null; then
  echo "grpcurl: there is no go in the PATH" >&2
  exit 3
fi
GOBIN=$there go install -ldflags "-X main.version=$version" "github.com/fullstorydev/grpcurl/cmd/grpcurl@$version"
