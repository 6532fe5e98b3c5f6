#!/usr/bin/env bash
# Renews requirements.lock (what `make demo` installs) and requirements-dev.lock (what `make test` installs).
# Needs uv; installing needs only pip. One version of each package serves every supported Python.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$(mktemp)
trap 'rm -f "$build"' EXIT
printf 'hatchling>=1.26\neditables>=0.5\n' > "$build"
common=(--universal --fork-strategy fewest --python-version 3.11 --generate-hashes --no-annotate --no-header
  --no-emit-index-url --no-emit-find-links --quiet)
uv pip compile "${common[@]}" --extra all pyproject.toml "$build" -o requirements.lock
uv pip compile "${common[@]}" --extra all --group dev pyproject.toml "$build" -c requirements.lock -o requirements-dev.lock
