#!/usr/bin/env bash
# curl as the system has it.
set -euo pipefail

if command -v curl >/dev/null; then exit 0; fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "curl: there is none in the PATH, and only root can install it, with apt-get" >&2
  exit 3
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq >/dev/null
apt-get install -y -qq --no-install-recommends curl >/dev/null
command -v curl >/dev/null
