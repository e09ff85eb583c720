"""What there is to say of a replayed claim, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof import units
from archprof.records.claim_result import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archprof.records.claim_result import ClaimResult, FigureResult, Part

MORE_DIGITS = 2
"""Decimals beyond the printed ones in a figure that is shown in full."""

MAX_NAMES = 3
"""How many of the operations that make a difference are named at most."""

NOTABLE = 0.001
"""The share of what runs from which on a difference is told."""

VERDICTS = {
    Verdict.reproduced: "reproduced",
    Verdict.differs: "not reproduced",
    Verdict.expected_failure: "known not to be reproduced",
    Verdict.failed: "could not be evaluated",
}
"""What became of a claim, in words."""

_NAMES = {"gflops": "GFLOPs", "macs": "MACs", "trainable_parameters": "trainable parameters"}


def location(result: ClaimResult) -> str:
    """Where a claim is, and what it is about."""
    return f"{result.file}:{result.line}: {result.variant}"


def complaints(result: ClaimResult) -> Iterator[str]:
    """What is wrong with a claim that should hold, with its file and line."""
    if result.verdict is Verdict.failed:
        yield f"{location(result)}: {result.error}"
    if result.verdict is Verdict.differs:
        for figure in result.figures:
            if not figure.agrees:
                published = f"{figure_name(figure)} published as {figure.published}"
                yield f"{location(result)}: {published}, reproduced as {full(figure)}"


def figure_name(figure: FigureResult) -> str:
    """What a figure is a figure of, and by whose rule."""
    name = _NAMES.get(figure.figure, figure.figure)
    return f"{name} by {figure.convention}" if figure.convention else name


def settings(result: ClaimResult) -> str:
    """What a claim's model was built and run with, in a few words."""
    values = {key: value for key, value in result.settings.items() if key not in ("fuse", "set")}
    values |= result.settings.get("set", {})
    fused = ["fused" if result.settings["fuse"] else "not fused"] if "fuse" in result.settings else []
    return " · ".join([*(f"{key} {value}" for key, value in values.items()), *fused])


def claim_text(figure: FigureResult) -> str | None:
    """How far a figure is from what runs, and why; None where there is nothing to say."""
    if figure.measured is None:
        return None
    if figure.exact is None:
        difference = figure.measured - float(figure.printed.value)
        return (
            None if figure.agrees else f"{abs(difference):,.0f} {'more' if difference > 0 else 'fewer'} than published"
        )
    bound = ">= " if figure.lower_bound else ""
    sentence = f"actual: {bound}{units.amount(figure.exact, figure.unit or '')}"
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
    if abs(figure.otherwise) > NOTABLE * figure.exact:
        amount = _amount(abs(figure.otherwise), figure)
        causes.append(f"{'over' if figure.otherwise > 0 else 'under'}estimates the rest by {amount}")
    return f"{sentence}: {figure.convention} {_list(causes, ', and ')}" if causes else sentence


def _amount(value: float, figure: FigureResult) -> str:
    return units.amount(round(value), figure.unit or "")


def _most_expensive(parts: Sequence[Part], figure: FigureResult) -> str:
    """The most expensive by name, the rest together, as far as they make a difference."""
    threshold = NOTABLE * (figure.exact or 0)
    large = [part for part in parts[:MAX_NAMES] if part.amount >= threshold]
    texts = [
        f"{part.calls} × {part.operation} ({units.amount(round(part.amount), figure.unit or '')})" for part in large
    ]
    rest = sum(part.amount for part in parts[len(large) :])
    if rest and rest >= threshold:
        texts.append(f"others ({units.amount(round(rest), figure.unit or '')})")
    return _list(texts, " and ")


def _list(pieces: Sequence[str], last: str) -> str:
    return last.join(part for part in (", ".join(pieces[:-1]), *pieces[-1:]) if part)


def against(result: ClaimResult) -> str | None:
    """How a claim relates to the one that it is read against, as published and as it runs."""
    if result.against is None:
        return None
    published, actual = units.change(result.against.printed_ratio), units.change(result.against.exact_ratio)
    return f"against {result.against.variant}: published: {published}; actual: {actual}"


def full(figure: FigureResult) -> str:
    """A figure that has been counted to the last digit, or with a few digits more."""
    if figure.measured is None:
        return ""
    if isinstance(figure.measured, int) and figure.figure != "macs":
        return units.count(figure.measured)
    return figure.printed.format_like(figure.measured, more=MORE_DIGITS)
