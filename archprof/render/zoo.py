"""The listing of the zoo -> text. What was published is shown as it was printed."""

from __future__ import annotations

import textwrap
from itertools import groupby
from typing import TYPE_CHECKING, Any

import msgspec

from archprof.claims.catalogue import published
from archprof.render import csv, markdown
from archprof.render.layout import lay_out
from archprof.render.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from archprof.claims.catalogue import Entry
    from archprof.claims.claims_file import Claim
    from archprof.claims.published import Published
    from archprof.render import View

COLUMNS = (
    Column("family", "family"),
    Column("variant", "variant"),
    Column("scales", "scales"),
    Column("task", "task"),
    Column("published", "published", shrinks=12),
    Column("source", "source", shrinks=8),
)

_UNITS = {"gflops": "GFLOPs", "macs": "MACs", "trainable_parameters": "trainable parameters"}


def text(entries: Sequence[Entry], view: View) -> str:
    """A heading a family, its variants under it."""
    lines: list[str] = []
    for family, group in groupby(entries, key=lambda entry: entry.family):
        members = list(group)
        heading = " · ".join(part for part in (family.name, published(family).title) if part)
        lines += textwrap.wrap(heading, view.width, subsequent_indent="  ")
        for source in dict.fromkeys(entry.source for entry in members if entry.source):
            lines += textwrap.wrap(source, view.width, initial_indent="  ", subsequent_indent="  ")
        table = Table(COLUMNS[1:5], tuple(_record(entry)[1:5] for entry in members), label="variant")
        lines += [f"  {line}" for line in lay_out(table, view.width - 2, lambda piece, style: piece)] + [""]
    return "\n".join(lines[:-1]) + "\n"


def as_markdown(entries: Sequence[Entry], view: View) -> str:
    """One table."""
    return "\n".join(markdown.table_lines(_table(entries))) + "\n"


def as_csv(entries: Sequence[Entry], view: View) -> str:
    """One line a variant."""
    return csv.several([], _table(entries), view)


def as_json(entries: Sequence[Entry], view: View) -> str:
    """A list of variants, each with its claims whole."""
    found = [
        {
            "family": entry.family.name,
            "variant": entry.name,
            "scales": entry.scales,
            "task": entry.task,
            "about": entry.about,
            "source": entry.source,
            "claims": [_plain(claim) for claim in entry.claims],
        }
        for entry in entries
    ]
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n"


FORMATS: Mapping[str, Callable[[Sequence[Entry], View], str]] = {
    "text": text,
    "json": as_json,
    "markdown": as_markdown,
    "csv": as_csv,
}


def _table(entries: Sequence[Entry]) -> Table:
    return Table(COLUMNS, tuple(map(_record, entries)), label="variant")


def _record(entry: Entry) -> tuple[str | None, ...]:
    scales = " ".join(entry.scales)
    return (entry.family.name, entry.name, scales, entry.task, _published(entry.claims), entry.source)


def _published(claims: Sequence[Claim]) -> str:
    """The parameters and the compute of each claim, as printed; which scale, where there are several."""
    pieces = []
    for claim in claims:
        figures = [_figure(one) for one in claim.figures if one.figure in ("parameters", "gflops", "macs")]
        scale = f"{claim.settings['scale']}: " if len(claims) > 1 and "scale" in claim.settings else ""
        pieces.append(scale + ", ".join(figures))
    return "; ".join(pieces)


def _figure(published: Published) -> str:
    return f"{published.text} {_UNITS.get(published.figure, published.figure)}"


def _plain(claim: Claim) -> dict[str, Any]:
    figures = [{"figure": one.figure, "convention": one.convention, "printed": one.text} for one in claim.figures]
    return {
        "settings": claim.settings,
        "figures": figures,
        "source": claim.source,
        "holds": claim.holds,
        "note": claim.note,
    }
