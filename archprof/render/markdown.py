"""Markdown, as GitHub shows it: the totals as a list, the details as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.render import header

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.records.profile import Profile
    from archprof.render import View
    from archprof.render.table import Table

_ESCAPES = str.maketrans({sign: f"\\{sign}" for sign in "\\|*_`<>[]"})


def one(profile: Profile, table: Table | None, view: View) -> str:
    """One profile."""
    lines = [*_title(profile, header.title(profile)), *fact_lines(header.facts(profile))]
    if table:
        lines += ["", *table_lines(table)]
    return "\n".join(lines) + "\n"


def several(profiles: Sequence[Profile], table: Table, view: View) -> str:
    """One variant at several scales, one line each."""
    first, *_ = profiles
    unknown = header.unknown(*profiles)
    lines = [
        *_title(first, header.title_of_all(first)),
        *([*fact_lines(unknown), ""] if unknown else []),
        *table_lines(table),
    ]
    return "\n".join(lines) + "\n"


def _title(profile: Profile, pieces: list[str]) -> list[str]:
    return [f"### {escaped(profile.variant.name)}", "", escaped(" · ".join(pieces)), ""]


def fact_lines(facts: list[header.Fact]) -> list[str]:
    """The facts as a list."""
    lines = []
    for label, pieces in facts:
        text = escaped(" · ".join(pieces))
        lines.append(f"- **{label}**: {text}" if label else f"- {text}")
    return lines


def table_lines(table: Table) -> list[str]:
    """The lines of a table; of its columns those that are printed."""
    table = table.printed
    lines = [
        _line([column.title for column in table.columns]),
        _line(["---:" if column.number else "---" for column in table.columns]),
    ]
    for record in table.records:
        cells = zip(table.columns, record, strict=True)
        lines.append(_line([escaped(column.text(value)) for column, value in cells]))
    if table.total:
        cells = zip(table.columns, table.total, strict=True)
        texts = (escaped(column.text(value)) for column, value in cells)
        lines.append(_line([f"**{text}**" if text else "" for text in texts]))
    return lines


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def escaped(text: str) -> str:
    """Text that markdown takes literally; indentation of a tree is kept."""
    bare = text.lstrip(" ")
    return "&emsp;" * ((len(text) - len(bare)) // 2) + bare.translate(_ESCAPES)
