#!/usr/bin/env bash
# Installs what `make bench-deid` and `make deid-corpora` need beyond the tests: a pinned Python environment in .venv-peers with the
# other de-identifiers and the public test files. Quick and silent when all is there.
set -euo pipefail
cd "$(dirname "$0")/.."

wanted=scripts/requirements-peers.txt done=.venv-peers/requirements.txt
cmp -s "$wanted" "$done" && .venv-peers/bin/python -c 'import pydicom' 2>/dev/null && exit 0
printf 'install-bench-peers: building .venv-peers\n'
python3 -m venv --clear .venv-peers
.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check --requirement "$wanted"
cp "$wanted" "$done"
