#!/usr/bin/env bash
# The SDK from its version 1 on, which speaks Connect, in an environment of its own.
set -euo pipefail

CLIENT=python-connect-sdk OLDEST=3.10 exec bash test/clients/python-sdk/setup.sh
