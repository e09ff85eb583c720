#!/usr/bin/env bash
# A tree whose root has the empty text as its key, as the root of a module tree has an empty path; drawn as a treemap.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages vl-convert-python==1.9.0
"$python" - <<'PYTHON' 2>/dev/null
import re
import sys

import vl_convert


def rectangles(root):
    """How many rectangles a treemap of a root and its two leaves has."""
    tree = [{"key": root, "parent": None}, {"key": "a", "parent": root, "size": 1}, {"key": "b", "parent": root, "size": 3}]
    sides = {side: {"field": side.replace("x2", "x1").replace("y2", "y1")} for side in ("x2", "y2")}
    sides |= {"x": {"field": "x0"}, "y": {"field": "y0"}, "fill": {"value": "teal"}}
    figure = {
        "$schema": "https://vega.github.io/schema/vega/v6.json",
        "width": 200,
        "height": 100,
        "data": [
            {
                "name": "tree",
                "values": tree,
                "transform": [
                    {"type": "stratify", "key": "key", "parentKey": "parent"},
                    {"type": "treemap", "field": "size", "size": [200, 100]},
                ],
            }
        ],
        "marks": [{"type": "rect", "from": {"data": "tree"}, "encode": {"enter": sides}}],
    }
    return len(re.findall(r'<path[^>]*fill="teal"', vl_convert.vega_to_svg(figure)))


print("a good guess: an empty text is a key like any other, or the conversion raises an error")
print("rectangles with the root 'model':", rectangles("model"))
print("rectangles with the root '':", rectangles(""), "and no exception")
same = (rectangles("model"), rectangles("")) == (3, 0)
sys.exit(None if same else "the behaviour has changed")
PYTHON
