"""The listing of the zoo as a report, a section each family. What was published is shown as it was printed."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from archprof.claims.catalogue import published
from archprof.render.report import Report
from archprof.render.table import Column, table_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.claims.catalogue import Entry
    from archprof.claims.claims_file import Claim
    from archprof.records.published import Published
    from archprof.render import View

_UNITS = {"gflops": "GFLOPs", "macs": "MACs", "trainable_parameters": "trainable parameters"}


def report(entries: Sequence[Entry], view: View) -> Report:
    """A heading a family, its variants under it."""
    families = [(family, list(members)) for family, members in groupby(entries, key=lambda entry: entry.family)]
    return Report(
        parts=[
            Report(
                title=family.name,
                about=[text for text in (published(family).title,) if text],
                facts=[("source", [source]) for source in dict.fromkeys(entry.source for entry in members) if source],
                tables=[table_of(COLUMNS, members, "variant")],
            )
            for family, members in families
        ],
        record=[_plain(entry) for entry in entries],
        data=table_of(COLUMNS, entries, "variant"),
    )


def _plain(entry: Entry) -> dict[str, Any]:
    return {
        "family": entry.family.name,
        "variant": entry.name,
        "scales": entry.scales,
        "task": entry.task,
        "about": entry.about,
        "source": entry.source,
        "claims": [_plain_claim(claim) for claim in entry.claims],
    }


def _published(claims: Sequence[Claim]) -> str:
    """The parameters and the compute of each claim, as printed; which scale, where there are several."""
    pieces = []
    for claim in claims:
        figures = [_figure(figure) for figure in claim.figures if figure.figure in ("parameters", "gflops", "macs")]
        scale = f"{claim.settings['scale']}: " if len(claims) > 1 and "scale" in claim.settings else ""
        pieces.append(scale + ", ".join(figures))
    return "; ".join(pieces)


def _figure(figure: Published) -> str:
    return f"{figure.text} {_UNITS.get(figure.figure, figure.figure)}"


def _plain_claim(claim: Claim) -> dict[str, Any]:
    return {
        "settings": claim.settings,
        "figures": [
            {"figure": figure.figure, "convention": figure.convention, "printed": figure.text}
            for figure in claim.figures
        ],
        "source": claim.source,
        "holds": claim.holds,
        "note": claim.note,
    }


COLUMNS = (
    Column("family", "family", attrgetter("family.name"), visible=False),
    Column("variant", "variant", attrgetter("name")),
    Column("scales", "scales", lambda entry: " ".join(entry.scales)),
    Column("task", "task"),
    Column("published", "published", lambda entry: _published(entry.claims), wraps=True),
    Column("source", "source", visible=False),
)
