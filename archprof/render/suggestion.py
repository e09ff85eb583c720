"""A suggestion as a report: the convolutions that are made dynamic, the budgets, and what else was asked."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from archprof import units
from archprof.render import facts, measured_answer
from archprof.render.figures import figures_of
from archprof.render.report import Report
from archprof.render.table import Column, Table, table_of
from archprof.suggest.additive import ADDITIVE, LATENCY
from archprof.units import Unit, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archprof.records.suggestion import Suggestion
    from archprof.render import View

_number = partial(Column, number=True)


def _change(key: str, title: str, metric: str, unit: Unit) -> Column:
    show = partial(units.measure, unit=unit)
    return Column(key, title, lambda choice: choice.changes[metric], show=show, number=True, adds=True)


PLACEMENT = (
    Column("module", "module", min_width=16),
    _number("experts", "M"),
    _number("in_channels", "in", droppable=True),
    _number("out_channels", "out", droppable=True),
    Column("kernel", "K", show=units.shape, raw=units.shape, droppable=True),
    _number("groups", "g", droppable=True, visible=False),
    Column("output_size", "H'×W'", show=units.shape, raw=units.shape, droppable=True),
    _change("parameters_difference", "+params", "parameters", Unit.things),
    _change("flops_difference", "+FLOPs", "flops", Unit.flops),
    _change("bytes_difference", "+traffic", "bytes", Unit.bytes),
)

TOTALS = (
    Column("metric", "", min_width=10),
    Column("before", "before", number=True),
    Column("after", "after", number=True),
    _number("ratio", "×", show=units.factor),
    Column("limit", "limit", number=True),
    Column("price", "1 % more buys", number=True, droppable=True),
)

SHOWN = ("parameters", "flops", "bytes", "weight_bytes", "elementwise_flops", "activation_bytes")
"""The totals that are shown whatever is limited: FLOPs alone would mislead."""

ANSWERS = (
    Column("method", "", min_width=10),
    _number("layers", "convolutions"),
    _number("goal", "goal", show=units.count),
    _number("share", "of the gain", show=lambda share: f"{100 * share:.2f} %"),
    _number("bytes", "traffic", show=units.size),
)


def report(suggestion: Suggestion, view: View) -> Report:
    """The placement, the totals, and the other answers."""
    placement = table_of(PLACEMENT, suggestion.placement, "module")
    tables = [placement.largest("parameters_difference").top(view.top), _totals(suggestion)]
    if suggestion.alternatives or suggestion.heuristics:
        tables.append(_answers(suggestion))
    if suggestion.front:
        tables.append(_front(suggestion))
    return Report(
        title=suggestion.variant.name,
        about=facts.about_scaled(suggestion.variant, suggestion.input),
        conclusions=[*_conclusions(suggestion), *measured_answer.lines(suggestion.measured)],
        tables=tables if suggestion.placement else tables[1:],
        figures=lambda: figures_of([suggestion], "pareto"),
        notes=list(_notes(suggestion)),
        record=suggestion,
        data=placement,
    )


def _conclusions(suggestion: Suggestion) -> Iterator[str]:
    goal, unit = ADDITIVE[suggestion.goal].label, ADDITIVE[suggestion.goal].unit
    amount = units.measure(suggestion.predicted[suggestion.goal], unit)
    candidates = plural(suggestion.candidates, "convolution")
    if not suggestion.placement:
        yield f"none of {candidates} fits into the budgets: the unchanged model is the best answer"
        return
    yield f"{len(suggestion.placement)} of {candidates} made dynamic: {goal} {amount}; built and counted: the same"
    direction = "more" if suggestion.maximise else "less"
    if suggestion.proven:
        yield f"proven: no placement of these convolutions and experts has {direction}"
    else:
        bound = units.measure(suggestion.goal_bound, unit)
        yield f"no placement has {direction} than {bound}, which is {100 * suggestion.gap:.4f} % {direction}"
    if ties := sum(other.goal == suggestion.predicted[suggestion.goal] for other in suggestion.alternatives):
        yield f"{plural(ties, 'other placement')} below {'is' if ties == 1 else 'are'} as good"


def _totals(suggestion: Suggestion) -> Table:
    limited = [bound.metric for bound in suggestion.bounds if bound.metric in ADDITIVE]
    rows: list[tuple[Any, ...]] = []
    for name in dict.fromkeys([*SHOWN, suggestion.goal, *limited]):
        unit, before, after = ADDITIVE[name].unit, suggestion.base[name], suggestion.counted[name]
        text, price = _limit(suggestion, name)
        show = partial(units.measure, unit=unit)
        rows.append((ADDITIVE[name].label, show(before), show(after), after / before if before else None, text, price))
    first, last = suggestion.peak_activation_bytes
    ratio = last / first if first else None
    rows.append(("peak activation memory", units.size(first), units.size(last), ratio, "", ""))
    if suggestion.latency_s:
        before_s, after_s = suggestion.latency_s
        texts = units.seconds(before_s), units.seconds(after_s)
        rows.append((LATENCY.label, *texts, after_s / before_s, *_limit(suggestion, LATENCY.name)))
    return Table(TOTALS, tuple(rows), label="metric").without_empty()


def _limit(suggestion: Suggestion, metric: str) -> tuple[str, str]:
    """The budgets on a metric, and what a looser one buys."""
    bounds = [bound for bound in suggestion.bounds if bound.metric == metric]
    text = ", ".join(f"{bound.kind} {bound.text.partition('=')[2]}" for bound in bounds)
    return text, next((_price(suggestion, bound.gain) for bound in bounds if bound.gain is not None), "")


def _price(suggestion: Suggestion, gain: int) -> str:
    if not gain:
        return "nothing"
    sign = "+" if suggestion.maximise else "-"
    return f"{sign}{units.measure(gain, ADDITIVE[suggestion.goal].unit)} {ADDITIVE[suggestion.goal].label}"


def _answers(suggestion: Suggestion) -> Table:
    base, best = suggestion.base[suggestion.goal], suggestion.predicted[suggestion.goal]

    def row(method: str, experts: Mapping[str, int], goal: int, totals: Mapping[str, int]) -> tuple[Any, ...]:
        share = (goal - base) / (best - base) if best != base else None
        return (method, len(experts), goal, share, totals["bytes"])

    rows = [row("this answer", suggestion.experts, best, suggestion.predicted)]
    for other in suggestion.alternatives:
        rows.append(row(other.method, other.experts, other.goal, other.totals))
    for other in suggestion.heuristics:
        rows.append(row(f"ranked by {other.method}", other.experts, other.goal, other.totals))
    goal = _number(
        "goal", ADDITIVE[suggestion.goal].label, show=partial(units.measure, unit=ADDITIVE[suggestion.goal].unit)
    )
    columns = [goal if column.key == "goal" else column for column in ANSWERS]
    return Table(tuple(columns), tuple(rows), label="method")


def _front(suggestion: Suggestion) -> Table:
    metric = suggestion.front_metric or ""
    size, goal = (
        partial(units.measure, unit=ADDITIVE[metric].unit),
        partial(units.measure, unit=ADDITIVE[suggestion.goal].unit),
    )
    columns = (
        _number("limit", f"{ADDITIVE[metric].label} up to", show=size),
        _number("used", "used", show=size),
        _number("goal", ADDITIVE[suggestion.goal].label, show=goal),
        _number("bound", "bound", show=goal),
        _number("layers", "convolutions"),
    )
    rows = [(point.limit, point.used, point.goal, point.bound, len(point.experts)) for point in suggestion.front]
    return Table(columns, tuple(rows), label="limit")


def _notes(suggestion: Suggestion) -> Iterator[str]:
    limited = {bound.metric for bound in suggestion.bounds if bound.kind == "max"}
    if suggestion.placement and limited and limited <= {"flops", "macs"}:
        before, after = suggestion.base["bytes"], suggestion.counted["bytes"]
        yield (
            f"FLOPs alone are limited: memory traffic grows by {units.change(after / before)}, and dynamic layers are "
            "often limited by memory; --max bytes=+5% limits it too, and --latency measures the time"
        )
    yield from measured_answer.predicted_intervals(suggestion.latency_interval_s)
    if suggestion.latency_s is None:
        yield "the time on this computer: after `archprof calibrate` it is predicted"
    reasons: dict[str, list[str]] = {}
    for exclusion in suggestion.excluded:
        reasons.setdefault(exclusion.cause, []).append(exclusion.module)
    for cause, modules in reasons.items():
        more = f" and {len(modules) - 1} more" if len(modules) > 1 else ""
        yield f"left out: {modules[0]}{more}: {cause}"
    if suggestion.environment.remarks:
        yield from suggestion.environment.remarks
