#!/usr/bin/env bash
# Registers a runner, moves the time 31 seconds on, and sees it gone: with nothing but curl.
#   gitpod-runner-mock &
#   examples/lapse.sh [URL of the API] [URL of the control service]
set -euo pipefail

api=${1:-http://127.0.0.1:8080}
control=${2:-http://127.0.0.1:8081}

call() {
  local url=$1 body=$2
  curl --silent --show-error "$url" -H 'Content-Type: application/json' -d "$body"
}

call "$api/gitpod.v1.RunnerService/CreateRunner" '{"name": "Short-lived", "provider": "RUNNER_PROVIDER_AWS_EC2"}' > /dev/null
echo "registered: $(call "$api/gitpod.v1.RunnerService/ListRunners" '{}' | grep -c Short-lived)"

call "$control/runnermock.v1.ControlService/AdvanceClock" '{"by": "31s"}' > /dev/null
echo "31 seconds later: $(call "$api/gitpod.v1.RunnerService/ListRunners" '{}' | grep -c Short-lived || true)"
