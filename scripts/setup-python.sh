#!/bin/sh
# Makes .venv/ with the official Python SDK in it, for the tests that run it. Needs python3 3.9 or newer with venv and
# pip, and a package index. Where one of these is missing it says which, leaves no .venv/ behind, and is done: those
# tests then skip themselves and say so. PYTHON names another python3.
set -eu
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
requirements=test/clients/python/requirements.txt

without() {
  rm -rf .venv
  printf 'setup-python: %s: the tests of the Python SDK will be skipped\n' "$1" >&2
  exit 0
}

command -v "$python" >/dev/null || without "there is no $python"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null ||
  without "$python is not Python 3.9 or newer"
"$python" -c 'import venv, ensurepip' 2>/dev/null ||
  without "$python has no venv with pip (on Debian and Ubuntu: apt-get install python3-venv)"

"$python" -m venv --clear .venv || without "$python -m venv failed"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement "$requirements" ||
  without "pip could not install $(cat "$requirements")"
printf 'setup-python: .venv has %s\n' "$(cat "$requirements")"
