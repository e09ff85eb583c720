"""The variants of a model under budgets, as a report."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from archprof import units
from archprof.render import facts, measured_answer
from archprof.render.figures import figures_of
from archprof.render.report import Report
from archprof.render.table import Column, Table
from archprof.suggest.additive import LIMITED, show
from archprof.units import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archprof.records.variation import Variation, VariedModel
    from archprof.render import View

EXPERTS = (
    Column("module", "convolution", min_width=8),
    Column("experts", "experts", number=True),
)

CHANNELS = (
    Column("module", "row", min_width=8),
    Column("before", "channels before", number=True),
    Column("after", "after", number=True),
)


def report(variation: Variation, view: View) -> Report:
    """The variants that fit, the best first, with the model as it is in the last line."""
    fitting = [model for model in variation.models if model.fits]
    tables = [_variants(variation, fitting[: view.top])]
    if variation.best.channels:
        rows = [
            (path, before, variation.best.channels.get(path, before))
            for path, before in variation.base_channels.items()
        ]
        tables.append(Table(CHANNELS, tuple(rows), label="module"))
    if variation.best.experts:
        tables.append(Table(EXPERTS, tuple(variation.best.experts.items()), label="module"))
    failures = [model for model in variation.models if model.error]
    base = ", ".join(f"{LIMITED[name].label} {show(LIMITED[name], value)}" for name, value in variation.base.items())
    direction = "most" if variation.maximise else "least"
    answer = f"the {direction} {variation.goal} within {variation.limits}: {variation.best.text}"
    return Report(
        title=variation.variant.name,
        about=facts.about_variant(variation.variant, variation.input),
        conclusions=[answer, _proof(variation, fitting), *_ties(fitting), *measured_answer.lines(variation.measured)],
        tables=tables,
        notes=[
            f"the unchanged model: {base}",
            *_misleading(variation),
            *_time(variation),
            *([f"{plural(len(failures), 'variant')} cannot be built: {failures[0].error}"] if failures else []),
            *(f"left out: {text}" for text in variation.exclusions),
        ],
        figures=lambda: figures_of([variation], "pareto"),
        record=variation,
        data=_variants(variation, variation.models),
    )


def _ties(fitting: Sequence[VariedModel]) -> Iterator[str]:
    """How many others are as good as the first."""
    if ties := sum(model.goal == fitting[0].goal for model in fitting[1:]):
        yield f"{plural(ties, 'other variant')} below {'is' if ties == 1 else 'are'} as good"


def _misleading(variation: Variation) -> Iterator[str]:
    """What a budget of FLOPs alone leaves out."""
    if variation.budgets and set(variation.limited) <= {"flops", "macs"}:
        before, after = variation.base, variation.best.totals
        flops, traffic = (units.change(after[name] / before[name]) for name in ("flops", "bytes"))
        yield (
            f"FLOPs alone are limited: they change by {flops}, memory traffic by {traffic}, and the time may follow "
            "either; --max bytes=AMOUNT limits it too, and --latency measures the time"
        )


def _time(variation: Variation) -> Iterator[str]:
    """The predicted time, or how to have it."""
    if variation.latency_s is None:
        yield "the time on this computer: after `archprof calibrate` it is predicted"
        return
    before, after = variation.latency_s
    change = units.change(after / before)
    yield f"predicted latency: {units.seconds(before)} as it is, {units.seconds(after)} of the answer ({change})"
    yield from measured_answer.predicted_intervals(variation.latency_interval_s)


def _variants(variation: Variation, models: Sequence[VariedModel]) -> Table:
    """A line for each variant."""
    metrics = list(variation.base)
    score = [] if variation.goal in metrics else ["goal"]
    axes = list(variation.best.changes)
    # Rows are named in a table of their own.
    parts = [name for name in ("channels", "experts") if any(getattr(model, name) for model in variation.models)]
    columns = [
        *(Column(axis, axis, number=axis != "scale") for axis in axes),
        *(Column(name, name) for name in parts),
        *(Column("goal", variation.goal, show="{:,.6g}".format, number=True) for _ in score),
        *(Column(name, LIMITED[name].label, show=partial(show, LIMITED[name]), number=True) for name in metrics),
    ]

    def row(model: VariedModel) -> tuple[object, ...]:
        goal = [model.goal for _ in score]
        counts = [f"{len(getattr(model, name))} changed" for name in parts]
        return (*model.changes.values(), *counts, *goal, *(model.totals.get(name) for name in metrics))

    return Table(tuple(columns), tuple(map(row, models)), label=[*axes, *parts, *metrics][0], noun="variant")


def _proof(variation: Variation, fitting: Sequence[VariedModel]) -> str:
    """What is proven of the answer."""
    size, direction = _approximate(variation.size), "more" if variation.maximise else "less"
    noun = "placement" if variation.places_experts else "variant"
    counted = plural(variation.counted, noun)
    if variation.method == "all" and variation.best.experts and not variation.proven:
        return f"all {plural(int(variation.size), 'variant')} were counted: no better one is known"
    if variation.method == "all" and variation.places_experts:
        return f"proven: of {size} placements of experts {len(fitting):,} fit, and each of these was counted"
    if variation.method == "all":
        placed = ", each with the best placement of experts" if any(model.experts for model in fitting) else ""
        return f"proven: all {plural(int(variation.size), 'variant')} were counted{placed}, and {len(fitting):,} fit"
    if variation.method == "search":
        return f"{counted} of {size} were counted, found by NSGA-II: there is no certificate, a better one may exist"
    if variation.proven:
        return f"proven: none of {size} variants has {direction}; {counted} were counted for it"
    bound = show(LIMITED[variation.goal], variation.goal_bound or 0)
    share = abs((variation.goal_bound or 0) / (variation.best.goal or 1) - 1)
    return f"none of {size} variants has {direction} than {bound}, which is {100 * share:.2f} % {direction}"


def _approximate(size: float) -> str:
    """How many variants there are: ``4,096``; ``3.5e+09``."""
    return f"{size:,}" if size < 10**6 else f"{size:.2g}"
