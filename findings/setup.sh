# Sourced by every script here: `packages NAME==VERSION ...` leaves $python, an interpreter that has them.
# It works in a temporary folder that goes when the script ends; $findings is the folder of the scripts.
set -euo pipefail
findings=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

has() { # whether an interpreter has just these versions
  "$@" 2>/dev/null <<<'
import sys
from importlib.metadata import version
for requirement in sys.argv[1:]:
    name, _, pinned = requirement.partition("==")
    assert version(name).partition("+")[0] == pinned
'
}

packages() {
  python=${FINDINGS_PYTHON:-}
  if [[ -z $python ]] || ! has "$python" - "$@"; then
    python3 -m venv venv
    python=$scratch/venv/bin/python
    "$python" -m pip install --quiet --disable-pip-version-check "$@"
  fi
  echo "with $*"
}
