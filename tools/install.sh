#!/usr/bin/env bash
# install.sh VENV LOCK: makes the virtual environment VENV and installs exactly what LOCK lists, then this project.
set -euo pipefail
venv=$1 lock=$2
cd "$(dirname "$0")/.."
if [ -z "${PYTHON:-}" ]; then
  echo "No Python was found. Install Python 3.11 or newer (on Debian or Ubuntu: apt install python3 python3-venv)." >&2
  exit 1
fi
if ! "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "$PYTHON is $("$PYTHON" -V); diffseis needs Python 3.11 or newer. Name another one: make PYTHON=python3.12 demo" >&2
  exit 1
fi
if ! "$PYTHON" -c 'import venv, ensurepip' 2>/dev/null; then
  echo "$PYTHON has no venv module. On Debian or Ubuntu: apt install python3-venv" >&2
  exit 1
fi
echo "Installing into $venv with $("$PYTHON" -V) from $lock (a minute or two, once) ..."
start=$(date +%s)
if command -v uv >/dev/null 2>&1; then
  [ -x "$venv/bin/python" ] || uv venv --quiet --seed --python "$PYTHON" "$venv"
  uv pip install --quiet --python "$venv/bin/python" --require-hashes --no-deps -r "$lock"
  uv pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation -e .
else
  [ -x "$venv/bin/python" ] || "$PYTHON" -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r "$lock"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
fi
echo "Installed in $(($(date +%s) - start)) s."
