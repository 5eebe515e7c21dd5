#!/usr/bin/env bash
# A virtual environment in .clients/ with the official SDK that a folder's requirements.txt names. PYTHON names another
# python3.
set -euo pipefail

client=${CLIENT:-python-sdk}
oldest=${OLDEST:-3.9}
there=.clients/$client
requirements=test/clients/$client/requirements.txt
python=${PYTHON:-python3}

cannot() {
  echo "$client: $1" >&2
  exit 3
}
command -v "$python" >/dev/null || cannot "there is no $python"
"$python" -c "import sys; sys.exit(sys.version_info < tuple(map(int, '$oldest'.split('.'))))" 2>/dev/null ||
  cannot "$python is not Python $oldest or newer"
"$python" -c 'import venv, ensurepip' 2>/dev/null ||
  cannot "$python has no venv with pip (on Debian and Ubuntu: apt-get install python3-venv)"

if cmp -s "$requirements" "$there/requirements.txt" && "$there/bin/python" -c '' 2>/dev/null; then exit 0; fi
"$python" -m venv --clear "$there"
"$there/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements"
cp "$requirements" "$there/requirements.txt"
