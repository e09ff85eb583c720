#!/usr/bin/env bash
# Four points on a logarithmic axis, one of them zero.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages vl-convert-python==1.9.0
"$python" - <<'PYTHON'
import re
import sys

import vl_convert


def heights(values):
    """The y of every mark, in pixels from the top of a plot of 300."""
    chart = {
        "data": {"values": [{"x": place, "y": value} for place, value in enumerate(values)]},
        "mark": "point",
        "encoding": {
            "x": {"field": "x", "type": "quantitative"},
            "y": {"field": "y", "type": "quantitative", "scale": {"type": "log"}},
        },
    }
    pattern = r'role="graphics-symbol"[^>]*transform="translate\([^,]*,([^)]*)\)"'
    return [float(y) for y in re.findall(pattern, vl_convert.vegalite_to_svg(chart))]


print("a good guess: zero has no place there, so that mark is missing or an error; the others stay where they are")
print("1, 10, 100:", heights([1, 10, 100]))
print("0, 1, 10, 100:", heights([0, 1, 10, 100]))
same = heights([1, 10, 100]) == [300, 150, 0] and heights([0, 1, 10, 100]) == [0, 0, 0, 0]
sys.exit(None if same else "the behaviour has changed")
PYTHON
