"""Where a difference comes from: changed rows, and what got other shapes downstream of them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from archprof.compare.align import source_of
from archprof.records.comparison import Cause, Explanation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archprof.records.comparison import Change, Part

METRICS = ("flops", "parameters")
"""What is always explained where it differs."""

OTHERWISE = ("elementwise_flops", "bytes_written", "bytes_read")
"""What is explained, the first that differs, where none of those does."""

_ORIGINS = ("+", "-", "~")


def explain(changes: Sequence[Change], differences: Mapping[str, int]) -> list[Explanation]:
    """Say which changes make the difference of each metric.

    A row that was changed in the file accounts for its own difference. A row that says the same accounts for none: its
    difference goes to the changed rows that it hears of, by way of rows whose output got another shape. One that
    hears of none is a cause itself: what its name means has changed.

    Args:
        changes: Every row or module of both models, in an order that is both models'.
        differences: By metric, that of the whole models, as far as it is known. A metric that is not known of every
            row is not explained.
    """
    known = {metric for metric in differences if all(getattr(change, metric) is not None for change in changes)}
    wanted = [metric for metric in METRICS if metric in known and differences[metric]]
    wanted = wanted or [metric for metric in OTHERWISE if metric in known and differences[metric]][:1]
    heard = _heard(changes)
    return [_explanation(metric, differences[metric], changes, heard) for metric in wanted]


def _explanation(
    metric: str, difference: int, changes: Sequence[Change], heard: Sequence[frozenset[int]]
) -> Explanation:
    own: Counter[int] = Counter()
    downstream: Counter[int] = Counter()
    amounts = [getattr(change, metric) for change in changes]
    for place, amount in enumerate(amounts):
        if place in heard[place]:
            own[place] += amount
        else:
            downstream.update(dict.fromkeys(heard[place], amount))
    causes = [Cause(change=place, own=own[place], downstream=downstream[place]) for place in sorted(own)]
    sign = 1 if difference >= 0 else -1
    return Explanation(
        metric=metric,
        difference=difference,
        gains=sum(amount for amount in amounts if amount > 0),
        losses=sum(amount for amount in amounts if amount < 0),
        # Of equals the first stays first: what comes before it in the model is what brought it about.
        causes=sorted((cause for cause in causes if cause.whole), key=lambda cause: -sign * cause.whole),
    )


def _heard(changes: Sequence[Change]) -> list[frozenset[int]]:
    """For each change the places of the changes that it hears of, its own among them where it is an origin."""
    readers = _sources(changes)
    heard: list[frozenset[int]] = []
    for place, change in enumerate(changes):
        loud = [source for source in readers[place] if _output_changed(changes[source])]
        above = [heard[source] for source in loud]
        known = above[0] if len(above) == 1 else frozenset[int]().union(*above)
        if change.mark in _ORIGINS or (change.mark == "x" and not known):
            known |= {place}
        heard.append(known)
    return heard


def _sources(changes: Sequence[Change]) -> list[set[int]]:
    """For each change the places of the changes that its row reads, or read."""
    before = {change.before.index: place for place, change in enumerate(changes) if change.before}
    after = {change.after.index: place for place, change in enumerate(changes) if change.after}

    def places(part: Part | None, found: Mapping[int | None, int]) -> set[int]:
        if part is None or part.index is None:
            return set()
        sources = {source_of(source, part) for source in part.from_}
        return {found[source] for source in sources if source in found}

    return [places(change.before, before) | places(change.after, after) for change in changes]


def _output_changed(change: Change) -> bool:
    """Whether those who read it may have noticed; of a row whose shapes nobody knows, everybody may."""
    if change.before is None or change.after is None:
        return True
    return change.before.other_output(change.after) is not False
