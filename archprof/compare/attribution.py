"""Where a difference comes from: changed rows, changed keys and settings, and what follows from each."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec.structs import replace

from archprof.compare import reach
from archprof.compare.align import source_of
from archprof.records.comparison import Cause, Explanation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from archprof.records.comparison import Change, Difference, Part

METRICS = ("flops", "parameters")
"""What is always explained where it differs."""

FALLBACK_METRICS = ("elementwise_flops", "bytes_written", "bytes_read")
"""What is explained, the first that differs, where none of those does."""

EDITED = ("+", "-", "~")
"""The marks of rows that were changed in the file."""

Origin = tuple[str, int]
"""What was changed: ``("row", index of the change)`` or ``("difference", index of the difference)``."""

Origins = frozenset[Origin]
_NONE: Origins = frozenset()


def explain(
    changes: Sequence[Change], differences: Sequence[Difference], totals: Mapping[str, int]
) -> list[Explanation]:
    """Say what makes the difference of each metric.

    A row that was changed in the file accounts for its own difference. A row that says the same accounts for none: its
    difference goes to the keys and settings that reach it (:mod:`archprof.compare.reach`), and to the changed rows
    from which it follows, by way of rows whose output got another shape, or by the dialect. Where there is no such
    thing, it goes to what may have an effect that nobody knows of; only where nothing at all was changed is the row a
    cause itself: the code of its block is another.

    Args:
        changes: Every row or module of both models, in an order that is both models'.
        differences: What differs beside them.
        totals: By metric, the difference of the whole models, as far as it is known. A metric that is not known of
            every row is not explained.
    """
    metrics_of_rows = {metric for metric in totals if all(getattr(change, metric) is not None for change in changes)}
    metrics = [metric for metric in METRICS if metric in metrics_of_rows and totals[metric]]
    metrics = metrics or [metric for metric in FALLBACK_METRICS if metric in metrics_of_rows and totals[metric]][:1]
    return [_explanation(metric, totals[metric], changes, differences) for metric in metrics]


def _explanation(
    metric: str, difference: int, changes: Sequence[Change], differences: Sequence[Difference]
) -> Explanation:
    amounts = [getattr(change, metric) for change in changes]
    causes, shared = attribute(changes, differences, metric, amounts)
    outside = difference - sum(amounts)
    if len(causes) == 1 and causes[0].difference is not None and outside:
        # What two rows share (the one activation of all) is in neither, and nothing else was changed.
        causes, outside = [replace(causes[0], own=causes[0].own + outside)], 0
    sign = 1 if difference >= 0 else -1
    return Explanation(
        metric=metric,
        difference=difference,
        gains=sum(amount for amount in amounts if amount > 0),
        losses=sum(amount for amount in amounts if amount < 0),
        shared=shared,
        outside=outside,
        # Of equals the first stays first: what comes before it in the model is what brought it about.
        causes=sorted(causes, key=lambda cause: -sign * cause.total),
    )


def attribute(
    changes: Sequence[Change], differences: Sequence[Difference], metric: str, amounts: Sequence[int]
) -> tuple[list[Cause], int]:
    """What each cause makes of a metric's difference, and how much follows from several of them.

    Args:
        changes: Every row or module of both models, in an order that is both models'.
        differences: What differs beside them.
        metric: The metric.
        amounts: By how much each row has grown in it.

    Returns:
        The causes of which anything comes, and the sum of what follows from more than one of them.
    """
    rows = _Rows(changes, differences, metric)
    own: Counter[Origin] = Counter()
    downstream: Counter[Origin] = Counter()
    shared: Counter[Origin] = Counter()
    heads: dict[Origin, list[int]] = {}
    total_shared = 0
    for index, amount in enumerate(amounts):
        origins = rows.origins[index]
        if rows.edited(index):
            origins = frozenset({("row", index)}) | rows.light_heads.get(index, _NONE)
        if len(origins) == 1:
            (origin,) = origins
            is_own = origin in rows.direct[index] or origin == ("row", index)
            (own if is_own else downstream)[origin] += amount
        elif origins:
            total_shared += amount
            shared.update(dict.fromkeys(origins, amount))
        for origin in rows.light_heads.get(index, _NONE) & origins if amount else _NONE:
            heads.setdefault(origin, []).append(index)
    causes = [
        Cause(
            change=index if kind == "row" else None,
            difference=index if kind == "difference" else None,
            own=own[kind, index],
            downstream=downstream[kind, index],
            shared=shared[kind, index],
            light_head=heads.get((kind, index), []),
        )
        for kind, index in sorted({*own, *downstream, *shared})
    ]
    return [cause for cause in causes if cause.own or cause.downstream or cause.shared], total_shared


class _Rows:
    """What each row of two models follows from, in one metric.

    Attributes:
        direct: For each change the differences that reach it, whatever the rows above it are.
        light_heads: For a detection head whose class branch is another, the changed rows that make it so.
        origins: For each change all that it follows from.
    """

    def __init__(self, changes: Sequence[Change], differences: Sequence[Difference], metric: str) -> None:
        self._changes = changes
        last = {
            max((index for index, change in enumerate(changes) if part_of(change)), default=-1)
            for part_of in (_before, _after)
        }
        self.direct = [
            frozenset(
                ("difference", number)
                for number, difference in enumerate(differences)
                if reach.reaches(difference, change, metric, last=index in last)
            )
            for index, change in enumerate(changes)
        ]
        self.light_heads = dict(_light_heads(changes))
        self._sources = _sources(changes)
        self._unknown = frozenset(
            ("difference", number) for number, difference in enumerate(differences) if not reach.is_known(difference)
        )
        self._versions = frozenset(
            ("difference", number) for number, difference in enumerate(differences) if difference.name in reach.VERSIONS
        )
        self._edits = frozenset(("row", index) for index in range(len(changes)) if self.edited(index))
        self.origins: list[Origins] = []
        above: list[Origins] = []
        for index, change in enumerate(changes):
            above.append(_union([above[source] for source in self._sources[index]]))
            self.origins.append(self._origins(index, change, above[index]))
            if self.edited(index):
                above[index] |= {("row", index)}

    def edited(self, index: int) -> bool:
        """Whether a row was changed in the file."""
        return self._changes[index].mark in EDITED

    def _origins(self, index: int, change: Change, above: Origins) -> Origins:
        readable = [source for source in self._sources[index] if _output_changed(self._changes[source])]
        origins = _union([self.origins[source] for source in readable])
        origins |= self.direct[index] | self.light_heads.get(index, _NONE)
        if self.edited(index):
            return origins | {("row", index)}
        if change.mark == "x" and not origins:
            # Its inputs have the same shapes: what else was changed must have another effect on it.
            return self._unknown or above or self._versions or self._edits or frozenset({("row", index)})
        return origins


def _union(sets: Iterable[Origins]) -> Origins:
    origins = list(sets)
    return origins[0] if len(origins) == 1 else _NONE.union(*origins)


def _light_heads(changes: Sequence[Change]) -> Iterable[tuple[int, Origins]]:
    """Detection heads with another class branch, and the changed rows above it that gave, or give, the light one."""
    for index, change in enumerate(changes):
        head = change.part
        if head.light_head != "takes":
            continue
        gave, gives = _giving(map(_before, changes[:index])), _giving(map(_after, changes[:index]))
        if bool(gave) != bool(gives):
            yield index, frozenset(("row", giver) for giver in gave ^ gives)


def _giving(parts: Iterable[Part | None]) -> set[int]:
    return {index for index, part in enumerate(parts) if part and part.light_head == "gives"}


def _before(change: Change) -> Part | None:
    return change.before


def _after(change: Change) -> Part | None:
    return change.after


def _sources(changes: Sequence[Change]) -> list[set[int]]:
    """For each change the indices of the changes that its row reads, or read."""
    before = {change.before.index: index for index, change in enumerate(changes) if change.before}
    after = {change.after.index: index for index, change in enumerate(changes) if change.after}

    def indices(part: Part | None, index_of: Mapping[int | None, int]) -> set[int]:
        if part is None or part.index is None:
            return set()
        sources = {source_of(source, part.index) for source in part.from_}
        return {index_of[source] for source in sources if source in index_of}

    return [indices(change.before, before) | indices(change.after, after) for change in changes]


def _output_changed(change: Change) -> bool:
    """Whether the rows that read it may be others for it; where nobody knows its shapes, those of a changed row may."""
    if change.before is None or change.after is None:
        return True
    differs = change.before.output_differs(change.after)
    return change.mark in EDITED if differs is None else differs
