"""A figure -> a picture by itself, as SVG, PNG or PDF."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

from archprof.errors import OutputError
from archprof.render.figures.style import for_file, printable

if TYPE_CHECKING:
    from archprof.render.figures import Figure

FORMATS = ("svg", "png", "pdf")

SCALE = 300 / 72
"""Pixels a point in a PNG, so that it has 300 to the inch in print."""

TIME_LIMIT_S = 120

LONGEST = 4000
"""Characters of what a picture says to whoever does not see it."""


def draw(
    figure: Figure,
    format: str,  # noqa: A002
    width: int,
    *,
    size: int = 9,
    title: bool = False,
    inline: bool = False,
) -> bytes:
    """The picture of a figure; the same figure gives the same bytes.

    Args:
        figure: The figure.
        format: One of :data:`FORMATS`.
        width: How wide it is, in points.
        size: The size of its text, in points.
        title: Whether its title, and what one must know to quote it, stand above it.
        inline: Whether it becomes a part of a page.

    Raises:
        OutputError: Where the drawing library is not installed, or fails.
    """
    if find_spec("vl_convert") is None:
        raise OutputError("vl-convert is not installed, which draws figures", hint="pip install vl-convert-python")
    spec = for_file(figure, width, size=size, title=title, inline=inline)
    text = printable(f"{figure.title}. {figure.text} {' · '.join(figure.about)}. {figure.command}", LONGEST)
    name = f"{figure.kind}-{hashlib.sha256(json.dumps(spec).encode()).hexdigest()[:8]}"
    order = {"spec": spec, "format": format, "name": name, "text": text, "scale": SCALE}
    command = [sys.executable, "-m", "archprof.render.convert"]
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}
    try:
        done = subprocess.run(
            command, input=json.dumps(order).encode(), capture_output=True, timeout=TIME_LIMIT_S, check=False,
            env=environment,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise OutputError(f"the {figure.kind} was not drawn in {TIME_LIMIT_S} s") from None
    if done.returncode or not done.stdout:
        raise OutputError(f"the {figure.kind} could not be drawn: {_reason(done)}")
    return done.stdout


def _reason(done: subprocess.CompletedProcess[bytes]) -> str:
    """Why nothing was drawn, in a line."""
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return next((line for line in reversed(lines) if "Error:" in line), f"exit code {done.returncode}")
