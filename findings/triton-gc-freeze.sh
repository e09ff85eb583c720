#!/usr/bin/env bash
# gc.freeze() before the end, so that Python need not look for cycles once more when everything goes anyhow.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages triton==3.9.0
echo "a good guess: nothing is printed either way"

lines() { # what a program prints on stderr, in lines
  "$python" -c "$1" 2>&1 >/dev/null | tee last | wc -l
}

plain=$(lines "import triton")
frozen=$(lines "import gc, triton; gc.freeze()")
echo "import triton: $plain lines on stderr"
echo "import gc, triton; gc.freeze(): $frozen lines, the first of them: $(head -1 last)"
# nanobind, which triton's extension is made with, reports at exit whatever of its types is still alive.
[[ $plain == 0 && $(head -1 last) == "nanobind: leaked "* ]] || { echo "the behaviour has changed" >&2; exit 1; }
