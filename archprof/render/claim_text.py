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

MAX_NAMES = 3
"""How many of the operations that make a difference are named at most."""

NOTABLE = 0.001
"""The share of what runs from which on a difference is told."""

_NAMES = {"gflops": "GFLOPs", "macs": "MACs", "trainable_parameters": "trainable parameters"}


def location(result: ClaimResult) -> str:
    """Where a claim is, and what it is about."""
    return f"{result.claim.path}:{result.claim.line}: {result.claim.variant}"


def complaints(result: ClaimResult) -> Iterator[str]:
    """What is wrong with a claim that should hold, with its file and line."""
    if result.verdict is Verdict.failed:
        yield f"{location(result)}: {result.error}"
    if result.verdict is Verdict.differs:
        for figure in result.figures:
            if not figure.agrees:
                published = f"{figure_name(figure.published)} published as {figure.published.text}"
                yield f"{location(result)}: {published}, reproduced as {full(figure)}"


def figure_name(published: Published) -> str:
    """What a figure is a figure of, and by whose rule."""
    name = _NAMES.get(published.figure, published.figure)
    return f"{name} by {published.convention}" if published.convention else name


def settings(claim: Claim) -> str:
    """What a claim's model was built and run with, in a few words."""
    values = {key: value for key, value in claim.settings.items() if key not in ("fuse", "set")}
    values |= claim.settings.get("set", {})
    fused = ["fused" if claim.settings["fuse"] else "not fused"] if "fuse" in claim.settings else []
    return " · ".join([*(f"{key} {value}" for key, value in values.items()), *fused])


def claim_text(figure: FigureResult) -> str | None:
    """How far a figure is from what runs, and why; None where there is nothing to say."""
    if figure.exact is None:
        difference = figure.measured - float(figure.published.value)
        return (
            None if figure.agrees else f"{abs(difference):,.0f} {'more' if difference > 0 else 'fewer'} than published"
        )
    bound = ">= " if figure.lower_bound else ""
    sentence = f"actual: {bound}{units.amount(figure.exact, figure.unit)}"
    if figure.ratio is not None:
        change = units.change(figure.ratio)
        sentence += ", as published" if change == "0 %" else f", {change} from the published figure"
    if figure.are_macs:
        sentence += "; MACs were published as FLOPs, and each MAC is two FLOPs"
    causes = []
    if omitted := _most_expensive(figure.missed, figure):
        causes.append(f"omits {omitted}")
    if added := _most_expensive(figure.added, figure):
        causes.append(f"adds {added}")
    if abs(figure.remainder) > NOTABLE * figure.exact:
        amount = units.amount(round(abs(figure.remainder)), figure.unit)
        causes.append(f"{'over' if figure.remainder > 0 else 'under'}estimates the rest by {amount}")
    return f"{sentence}: {figure.published.convention} {_list(causes, ', and ')}" if causes else sentence


def _most_expensive(parts: Sequence[Part], figure: FigureResult) -> str:
    """The most expensive by name, the rest together, as far as they make a difference."""
    threshold = NOTABLE * (figure.exact or 0)
    large = [part for part in parts[:MAX_NAMES] if part.amount >= threshold]
    texts = [f"{part.calls} × {part.operation} ({units.amount(round(part.amount), figure.unit)})" for part in large]
    rest = sum(part.amount for part in parts[len(large) :])
    if rest and rest >= threshold:
        texts.append(f"others ({units.amount(round(rest), figure.unit)})")
    return _list(texts, " and ")


def _list(pieces: Sequence[str], last: str) -> str:
    return last.join(part for part in (", ".join(pieces[:-1]), *pieces[-1:]) if part)


def against(result: ClaimResult) -> str | None:
    """How a claim relates to the one that it is read against, as published and as it runs."""
    if result.against is None:
        return None
    published, actual = units.change(result.against.published), units.change(result.against.exact)
    return f"against {result.against.variant}: published: {published}; actual: {actual}"


def full(figure: FigureResult) -> str:
    """A figure that has been counted to the last digit, or with a few digits more."""
    if isinstance(figure.measured, int) and figure.published.figure != "macs":
        return units.count(figure.measured)
    return figure.published.format_like(figure.measured, more=MORE_DIGITS)
