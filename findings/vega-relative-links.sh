#!/usr/bin/env bash
# A chart whose marks link to the rows of the page that it stands in, as a static SVG.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages vl-convert-python==1.9.0
"$python" - <<'PYTHON'
import re
import sys

import vl_convert

links = ["#row-3", "page.html", "https://example.org/a"]
chart = {
    "data": {"values": [{"x": place, "link": link} for place, link in enumerate(links)]},
    "mark": "point",
    "encoding": {"x": {"field": "x", "type": "quantitative"}, "href": {"field": "link"}},
}
found = re.findall(r'href="([^"]*)"', vl_convert.vegalite_to_svg(chart))
print("a good guess: links are as they were given:", links)
print("in the SVG:", found)
base = "https://vega.github.io/vega-datasets/"
sys.exit(None if found == [base + "#row-3", base + "page.html", links[2]] else "the behaviour has changed")
PYTHON
