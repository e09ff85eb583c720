"""What a notebook shows of a result."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import msgspec

from archprof.render.presentation import present

if TYPE_CHECKING:
    from archprof.records.profile import Profile


def test_a_notebook_shows_a_figure_and_the_tables(profile: Profile) -> None:
    variant = msgspec.structs.replace(profile.variant, name="<script>alert(1)</script>")
    html = present(msgspec.structs.replace(profile, variant=variant)).html()
    svg, table = html[: html.index("</svg>") + 6], html[html.index("</svg>") + 6 :]
    texts = [element.text for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    # Rows of 44,236,800, 118,963,200 and 36,800,000 MACs, which are twice as many FLOPs.
    assert {"88.5M", "238M", "73.6M"} <= set(texts)
    assert "<table>" in table
    assert "<script" not in html
    # It takes the colour of the notebook's text, and stands on its background.
    assert 'fill="currentColor"' in svg
    assert not re.search(r'class="background"[^>]*fill="white"', svg)


def test_what_draws_is_imported_only_to_draw() -> None:
    code = (
        "import sys, archprof, archprof.render.profile, archprof.render.full_report; from archprof.cli import app; "
        "print(sorted({'vl_convert', 'jinja2', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
