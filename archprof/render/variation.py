"""The variants of a model under budgets, as a report."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from archprof import units
from archprof.render import facts
from archprof.render.report import Report
from archprof.render.table import Column, Table
from archprof.suggest.additive import LIMITED
from archprof.units import plural

if TYPE_CHECKING:
    from archprof.records.variation import Variation, VariedModel
    from archprof.render import View


def report(variation: Variation, view: View) -> Report:
    """The variants that fit, the best first, with the model as it is in the last line."""
    axes, metrics = list(variation.best.changes), list(variation.base)
    score = [] if variation.goal in metrics else ["goal"]
    columns = [
        *(Column(axis, axis, number=axis != "scale") for axis in axes),
        *(Column("goal", variation.goal, show="{:,.6g}".format, number=True) for _ in score),
        *(
            Column(name, LIMITED[name].label, show=partial(units.measure, unit=LIMITED[name].unit), number=True)
            for name in metrics
        ),
    ]

    def row(model: VariedModel) -> tuple[object, ...]:
        goal = [model.goal for _ in score]
        return (*model.changes.values(), *goal, *(model.totals.get(name) for name in metrics))

    fitting = [model for model in variation.models if model.fits]
    table = Table(tuple(columns), tuple(map(row, fitting[: view.top])), label=axes[0])
    whole = Table(tuple(columns), tuple(map(row, variation.models)), label=axes[0])
    answer = ", ".join(f"{name} {value}" for name, value in variation.best.changes.items())
    budgets = " and ".join(variation.budgets) or "no limit"
    failures = [model for model in variation.models if model.error]
    bound = (
        f"proven: all {plural(variation.size, 'variant')} were counted, and {len(fitting):,} fit"
        if variation.proven
        else f"{variation.counted:,} of {variation.size:,} variants were counted, chosen by chance: nothing is proven"
    )
    base = ", ".join(
        f"{LIMITED[name].label} {units.measure(value, LIMITED[name].unit)}" for name, value in variation.base.items()
    )
    return Report(
        title=variation.variant.name,
        about=facts.about_variant(variation.variant, variation.input),
        conclusions=[f"the most {variation.goal} within {budgets}: {answer}", bound],
        tables=[table],
        notes=[
            f"the model as it is: {base}",
            *([f"{plural(len(failures), 'variant')} cannot be built: {failures[0].error}"] if failures else []),
        ],
        record=variation,
        data=whole,
    )
