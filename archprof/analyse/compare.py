"""Profiles -> what differs between them, row by row, and why. Nothing here needs torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from archprof.analyse import cause, pareto
from archprof.analyse.align import align, matched
from archprof.analyse.comparison import (
    COUNTS,
    Change,
    Comparison,
    Delta,
    Difference,
    Edit,
    Interval,
    Mark,
    Pair,
    Part,
    Side,
)
from archprof.analyse.edits import edits_of
from archprof.analyse.metrics import latencies_of, metrics_in
from archprof.analyse.parts import modules_of, rows_of
from archprof.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archprof.analyse.metrics import Metric
    from archprof.profiles import Profile


def compare(
    profiles: Sequence[Profile],
    *,
    names: Sequence[str] = (),
    depth: int = 3,
    x: str = pareto.X,
    y: str = pareto.Y,
) -> Comparison:
    """Set profiles beside each other: each with the first, and all of them against each other in two metrics.

    Args:
        profiles: Two or more.
        names: What to call them, where that is not what their profiles say was typed.
        depth: How deep the tree of modules is looked into where there are no rows.
        x: The metric of one axis of the Pareto front, as :func:`archprof.analyse.pareto.axis` reads it.
        y: That of the other.

    Raises:
        UsageError: Where there are fewer than two, or no such metric.
    """
    if len(profiles) < 2:
        raise UsageError("there is nothing to compare with", hint="name two models or more")
    wanted = [*metrics_in(profiles), *(metric for metric, _ in pareto.axes(x, y))]
    metrics = list({metric.name: metric for metric in wanted}.values())
    called = names or [profile.variant.reference for profile in profiles]
    return Comparison(
        models=[_side(*one, metrics) for one in zip(called, profiles, strict=True)],
        pairs=[_pair(profiles, place, metrics, depth) for place in range(1, len(profiles))],
        front=pareto.front(profiles, x, y),
    )


def _side(name: str, profile: Profile, metrics: Sequence[Metric]) -> Side:
    return Side(
        name=name,
        variant=profile.variant,
        input=profile.input,
        device=profile.environment.device,
        training=profile.backward is not None,
        metrics={metric.name: metric.of(profile) for metric in metrics},
        unknown=profile.coverage.unknown,
        lower_bounds=[metric.name for metric in metrics if metric.lower_bound(profile)],
    )


def _pair(profiles: Sequence[Profile], place: int, metrics: Sequence[Metric], depth: int) -> Pair:
    before, after = profiles[0], profiles[place]
    differences = {name: getattr(after.totals, name) - getattr(before.totals, name) for name in COUNTS}
    parts: Literal["rows", "modules", "none"] = "none"
    changes: list[Change] = []
    if before.layers and after.layers:
        parts, changes = "rows", list(_row_changes(rows_of(before), rows_of(after), differences))
    elif not before.layers and not after.layers:
        parts = "modules"
        changes = list(_module_changes(modules_of(before, depth), modules_of(after, depth), differences))
    return Pair(
        before=0,
        after=place,
        differences=list(_differences(before, after)),
        metrics=[_delta(metric, before, after) for metric in metrics],
        parts=parts,
        changes=changes,
        explanations=cause.explain(changes, differences) if changes else [],
    )


def _delta(metric: Metric, before: Profile, after: Profile) -> Delta:
    old, new = metric.of(before), metric.of(after)
    known = old is not None and new is not None
    bounded: list[Literal["before", "after"]] = ["before"] if metric.lower_bound(before) else []
    if metric.lower_bound(after):
        bounded.append("after")
    return Delta(
        metric=metric.name,
        unit=metric.unit,
        before=old,
        after=new,
        difference=new - old if old is not None and new is not None else None,
        ratio=new / old if known and old and new is not None else None,
        lower_bounds=bounded,
        interval=None if metric.exact else _interval(metric, before, after),
    )


def _interval(metric: Metric, before: Profile, after: Profile) -> Interval | None:
    """Where the ratio of two latencies lies that were measured apart; None where one has no samples."""
    from archprof.latency.statistics import unpaired

    samples = [one.samples_s for profile in (before, after) for one in latencies_of(profile, metric)]
    if len(samples) != 2 or not all(samples):
        return None
    found = unpaired(samples[0], samples[1])
    low, high = found.bounds
    return Interval(low=low, high=high, confidence=found.confidence, verdict=found.verdict)


def _differences(before: Profile, after: Profile) -> Iterator[Difference]:
    """What differs beside the rows; the figures of another input are answers to another question."""

    def facts(profile: Profile) -> Iterator[tuple[str, str, bool]]:
        variant, given = profile.variant, profile.input
        yield "input", " + ".join("×".join(map(str, shape)) for shape in given.shapes), False
        yield "dtype", given.dtype, False
        yield "fusing", "fused" if variant.fused else "not fused", False
        yield "model", "static twin" if variant.static else "as it is", True
        yield "pass", "training step" if profile.backward else "forward", False
        if variant.origin == "yaml":
            yield "scale", variant.scale or "none", True
            yield "family", variant.family or "none", True
            yield "nc", "none" if variant.nc is None else str(variant.nc), True
        for key in sorted({*before.variant.settings, *after.variant.settings} - {"nc"}):
            yield key, str(variant.settings.get(key, "as the file has it")), True
        for name, version in {"archprof": profile.tool.version, **profile.environment.packages}.items():
            yield name, version, True
        if profile.latency:
            yield "machine", profile.environment.platform, True

    old, new = ({what: (text, same) for what, text, same in facts(profile)} for profile in (before, after))
    for what in (key for key in old if key in new and old[key] != new[key]):
        (text, comparable), (now, _) = old[what], new[what]
        yield Difference(what=what, before=text, after=now, comparable=comparable)


def _row_changes(before: Sequence[Part], after: Sequence[Part], differences: dict[str, int]) -> Iterator[Change]:
    places = align(before, after)
    became = matched(places)
    for old, new in places:
        was = None if old is None else before[old]
        now = None if new is None else after[new]
        edits = edits_of(was, now, became) if was and now else []
        yield _change(was, now, edits, differences)


def _module_changes(before: Sequence[Part], after: Sequence[Part], differences: dict[str, int]) -> Iterator[Change]:
    """Modules go by their path; those that are gone come before what stands in their place."""
    for was, now in _merged(before, after):
        if any(getattr(part, name) for part in (was, now) if part for name in COUNTS):  # else it only holds others
            yield _change(was, now, edits_of(was, now, {}) if was and now else [], differences)


def _merged(before: Sequence[Part], after: Sequence[Part]) -> Iterator[tuple[Part | None, Part | None]]:
    kept = {part.path for part in before} & {part.path for part in after}
    gone = iter(before)
    for now in after:
        if now.path in kept:
            for was in gone:
                if was.path == now.path:
                    yield was, now
                    break
                yield was, None
        else:
            yield None, now
    for was in gone:
        yield was, None


def _change(before: Part | None, after: Part | None, edits: list[Edit], differences: dict[str, int]) -> Change:
    amounts = {
        name: (getattr(after, name) if after else 0) - (getattr(before, name) if before else 0) for name in COUNTS
    }
    return Change(
        mark=_mark(before, after, edits, amounts),
        before=before,
        after=after,
        edits=edits,
        shares={name: amount / differences[name] for name, amount in amounts.items() if differences[name]},
        **amounts,
    )


def _mark(before: Part | None, after: Part | None, edits: list[Edit], amounts: dict[str, int]) -> Mark:
    if before is None or after is None:
        return "+" if after else "-"
    if edits:
        return "~"
    return "x" if any(amounts.values()) or before.output_shapes != after.output_shapes else "="
