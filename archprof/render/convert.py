"""Draws one specification, in a process of its own: the specification comes in on stdin, the picture goes to stdout.

A new process gives the same bytes each time, since the drawing library numbers what it makes from 0 on; and what it
cannot bear ends that process alone.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

IDS = re.compile(r'(\bid="|url\(#|href="#)([^")]+)')

ENTRIES = re.compile(rb"<<\n((?: +/\w+ \d+ 0 R\n)+)")


def draw(spec: dict[str, Any], format: str, name: str, text: str, scale: float) -> bytes:  # noqa: A002
    """A picture.

    Args:
        spec: The specification.
        format: "svg", "png" or "pdf".
        name: What the names of its parts begin with, so that several pictures may stand on one page.
        text: What it shows, for whoever does not see it.
        scale: Pixels a point, of a PNG.
    """
    import vl_convert

    to_svg = vl_convert.vegalite_to_svg if "vega-lite" in spec["$schema"] else vl_convert.vega_to_svg
    # As text: a number beyond 64 bits is none to the library in any other form.
    svg = named(to_svg(json.dumps(spec), allowed_base_urls=[]), name, text)
    if format == "png":
        return bytes(vl_convert.svg_to_png(svg, scale=scale))
    if format == "pdf":
        return ordered(vl_convert.svg_to_pdf(svg))
    return (svg + "\n").encode()


def named(svg: str, name: str, text: str) -> str:
    """The same picture with names of its own, and with what it shows."""
    from html import escape

    svg = IDS.sub(rf"\1{name}-\2", svg)
    head, _, rest = svg.partition(">")
    return f'{head} role="img" aria-label="{escape(text)}"><desc>{escape(text)}</desc>{rest}'


def ordered(pdf: bytes) -> bytes:
    """The same file with the entries of each list of resources in order; no offset in it changes."""
    return ENTRIES.sub(lambda match: b"<<\n" + b"".join(sorted(match[1].splitlines(keepends=True))), pdf)


def main() -> None:
    """Draw what comes in."""
    sys.stdout.buffer.write(draw(**json.load(sys.stdin)))


if __name__ == "__main__":
    main()
