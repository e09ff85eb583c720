"""What there is to say of a replayed claim, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof import units
from archprof.claims.replay import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archprof.claims.claims_file import Claim
    from archprof.claims.figure_replay import FigureResult, Part
    from archprof.claims.published import Published
    from archprof.claims.replay import ClaimResult

MORE_DIGITS = 2
"""Decimals beyond the printed ones in a figure that is shown in full."""

NAMED = 3
"""How many of the operations that make a difference are named at most."""

NOTABLE = 0.001
"""The share of what runs from which on a difference is spoken of."""

_NAMES = {"gflops": "GFLOPs", "macs": "MACs", "trainable_parameters": "trainable parameters"}


def place(result: ClaimResult) -> str:
    """Where a claim stands, and what it is about."""
    return f"{result.claim.path}:{result.claim.line}: {result.claim.variant}"


def complaints(result: ClaimResult) -> Iterator[str]:
    """What is wrong with a claim that should hold, with its file and line."""
    if result.verdict is Verdict.failed:
        yield f"{place(result)}: {result.error}"
    if result.verdict is Verdict.differs:
        for figure in result.figures:
            if not figure.agrees:
                said = f"{name(figure.published)} are printed as {figure.published.text}"
                yield f"{place(result)}: {said} and come out as {full(figure)}"


def name(published: Published) -> str:
    """What a figure is a figure of, and by whose rule."""
    what = _NAMES.get(published.figure, published.figure)
    return f"{what} by {published.convention}" if published.convention else what


def settings(claim: Claim) -> str:
    """What a claim's model was built and run with, in a few words."""
    given = {key: value for key, value in claim.settings.items() if key not in ("fuse", "set")}
    given |= claim.settings.get("set", {})
    fused = ["fused" if claim.settings["fuse"] else "not fused"] if "fuse" in claim.settings else []
    return " · ".join([*(f"{key} {value}" for key, value in given.items()), *fused])


def difference(figure: FigureResult) -> str | None:
    """How far a figure is from what runs, and why; None where there is nothing to say."""
    if figure.exact is None:
        apart = figure.measured - float(figure.published.value)
        return None if figure.agrees else f"{abs(apart):,.0f} {'more' if apart > 0 else 'fewer'} than printed"
    bound = ">= " if figure.lower_bound else ""
    sentence = f"{bound}{units.amount(figure.exact, figure.unit)} run"
    if figure.ratio is not None:
        sentence += f", {units.apart(figure.ratio, 'printed')}"
    if figure.are_macs:
        sentence += ": the MACs were printed, each of which is two FLOPs"
    why = []
    if missed := _named(figure.missed, figure):
        why.append(f"gives nothing for {missed}")
    if added := _named(figure.added, figure):
        why.append(f"adds {added}")
    if abs(figure.otherwise) > NOTABLE * figure.exact:
        amount = units.amount(round(abs(figure.otherwise)), figure.unit)
        why.append(f"takes the rest to be {amount} {'dearer' if figure.otherwise > 0 else 'cheaper'} than it is")
    return f"{sentence}: {figure.published.convention} {_list(why, ', and ')}" if why else sentence


def _named(parts: Sequence[Part], figure: FigureResult) -> str:
    """The dearest by name, the rest together, as far as they make a difference."""
    least = NOTABLE * (figure.exact or 0)
    large = [part for part in parts[:NAMED] if part.amount >= least]
    named = [f"{part.calls} × {part.operation} ({units.amount(round(part.amount), figure.unit)})" for part in large]
    rest = sum(part.amount for part in parts[len(large) :])
    if rest and rest >= least:
        named.append(f"others ({units.amount(round(rest), figure.unit)})")
    return _list(named, " and ")


def _list(pieces: Sequence[str], last: str) -> str:
    return last.join(part for part in (", ".join(pieces[:-1]), *pieces[-1:]) if part)


def against(result: ClaimResult) -> str | None:
    """How a claim stands to the one that it is read against, as printed and as it runs."""
    if result.against is None:
        return None
    printed = units.apart(result.against.printed, result.against.variant)
    return f"in print {printed}, in truth {units.apart(result.against.exact, 'it')}"


def full(figure: FigureResult) -> str:
    """A figure that has been counted to the last digit, or with a few digits more."""
    if isinstance(figure.measured, int) and figure.published.figure != "macs":
        return units.count(figure.measured)
    return figure.published.written(figure.measured, more=MORE_DIGITS)
