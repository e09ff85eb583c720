"""Plain text for a terminal, a pipe or a file: totals above, one table below."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from rich.cells import cell_len

from archprof.render import header
from archprof.render.layout import Style, cut, lay_out, painter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.records.profile import Profile
    from archprof.render import View
    from archprof.render.table import Table

_INDENT = 14


def one(profile: Profile, table: Table | None, view: View) -> str:
    """One profile."""
    style = painter(view.color)
    lines = [
        *title_lines(profile.variant.name, header.title(profile), view.width, style),
        *fact_lines(header.facts(profile), view.width, style),
    ]
    if table:
        lines += ["", *lay_out(table, view.width, style)]
    return "\n".join(lines) + "\n"


def several(profiles: Sequence[Profile], table: Table, view: View) -> str:
    """One variant at several scales, one line each."""
    style = painter(view.color)
    lines = [
        *title_lines(profiles[0].variant.name, header.title_of_all(profiles[0]), view.width, style),
        *fact_lines(header.unknown(*profiles), view.width, style),
        "",
        *lay_out(table, view.width, style),
    ]
    return "\n".join(lines) + "\n"


def title_lines(name: str, pieces: list[str], width: int, style: Style) -> list[str]:
    """A name and what stands behind it, on one line where there is room."""
    name = cut(name, width)
    about = " · ".join(pieces)
    if cell_len(name) + 3 + cell_len(about) <= width:
        return [f"{style(name, 'name')}   {about}"]
    return [style(name, "name"), *textwrap.wrap(about, width, initial_indent="  ", subsequent_indent="  ")]


def fact_lines(facts: list[header.Fact], width: int, style: Style) -> list[str]:
    """The facts, one below the other: labels to the left, and what stands behind them wrapped."""
    lines = []
    for label, pieces in facts:
        first, *rest = _wrapped(pieces, width - _INDENT)
        lines.append("  " + style(f"{label:<{_INDENT - 2}}", "label") + first)
        lines += [" " * _INDENT + line for line in rest]
    return lines


def _wrapped(pieces: list[str], width: int) -> list[str]:
    """The pieces, three spaces apart, broken between pieces before it is broken inside one."""
    lines: list[str] = []
    for piece in pieces:
        if " " not in piece and len(piece) > width:  # a path, whose end tells more than its beginning
            piece = "…" + piece[1 - width :]
        if lines and len(lines[-1]) + 3 + len(piece) <= width:
            lines[-1] += f"   {piece}"
        else:
            lines += textwrap.wrap(piece, max(width, 20), break_long_words=False, break_on_hyphens=False)
    return lines or [""]
