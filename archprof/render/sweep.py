"""A sweep as a report: one line a variant, with its values of the axes, its figures, and whether another beats it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from archprof import units
from archprof.records.metrics import LATENCY, METRICS, find_metric
from archprof.render import columns
from archprof.render.figures import figures_of
from archprof.render.report import Report
from archprof.render.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.records.metrics import Metric, Value
    from archprof.records.sweep import Sweep, SweepRow
    from archprof.render import View

FIGURES = ("parameters", "flops", "peak_activation_bytes")
"""The metrics that are printed unless others are asked for."""

_LISTS = {"inputs": "input", "conventions": "convention"}
"""The options of which there may be several."""

_FAILURES = 5
"""How many variants without figures are told in full."""


def report(sweep: Sweep, view: View) -> Report:
    """The table of a sweep.

    Args:
        sweep: What was found.
        view: The columns, the order and the number of lines that are wanted.
    """
    conventions = [name for name in sweep.setup.get("conventions", ()) if name in METRICS]
    subjects = list(map(_subject, sweep.rows))
    names = view.columns or (*FIGURES, *conventions, *_latency(sweep))
    table = _table(sweep, subjects, names)
    if view.sort:
        table = table.sorted_by(view.sort)
    failures = [row for row in sweep.rows if row.error is not None]
    return Report(
        title=str(sweep.setup.get("reference", "")),
        about=_settings(sweep),
        facts=[("variants", _counts(sweep, failures))],
        tables=[table.top(view.top)],
        figures=lambda: figures_of([sweep], "pareto"),
        notes=[*_front(sweep), *_absent(sweep, subjects, names), *_failures(failures)],
        record=sweep,
        data=_table(sweep, subjects, _present(sweep)),
    )


def _settings(sweep: Sweep) -> list[str]:
    """What holds for every variant, in the words of the options; not what an axis sets anew."""
    flat = {**sweep.setup, **sweep.setup.get("set", {})}
    hidden = {"reference", "set", "prediction", *sweep.axes, *(["size"] if "imgsz" in sweep.axes else [])}
    return [_setting(name, value) for name, value in flat.items() if name not in hidden]


def _setting(name: str, value: Any) -> str:
    if name == "size":
        return f"imgsz {'x'.join(map(str, value))}"
    if name in _LISTS:
        return f"{_LISTS[name]} {', '.join(value)}"
    if value is True:
        return name
    return f"{name} {value if isinstance(value, str) else units.literal(value)}"


def _counts(sweep: Sweep, failures: Sequence[SweepRow]) -> list[str]:
    counted = len(sweep.rows) - len(failures)
    pieces = [f"{counted:,} counted"]
    if failures:
        pieces.append(f"{len(failures):,} failed")
    if sweep.left_out:
        pieces.append(f"{sweep.left_out:,} left out: {'; '.join(sweep.where)}")
    return pieces


def _present(sweep: Sweep) -> list[str]:
    """The metrics that any variant has; all of them where none has figures."""
    names = [name for name in METRICS if any(name in row.figures for row in sweep.rows)]
    return [*(names or METRICS), *_latency(sweep)]


def _latency(sweep: Sweep) -> list[str]:
    """The latency's name, where any variant was measured."""
    return [LATENCY] if any(row.latency for row in sweep.rows) else []


def _subject(row: SweepRow) -> columns.Subject:
    def value(metric: Metric) -> Value | None:
        return row.value(metric.name)

    def interval(metric: Metric) -> tuple[float, float] | None:
        return row.latency.ci95_s if row.latency else None

    shapes = units.shapes(row.shapes) if row.shapes else None
    return columns.Subject(
        labels={"model": row.model, "scale": row.scale, "input": shapes},
        of=value,
        interval=interval,
        lower_bound=lambda metric: metric.counted and bool(row.unknown),
        unknown=row.unknown,
    )


def _table(sweep: Sweep, subjects: Sequence[columns.Subject], names: Sequence[str]) -> Table:
    figures = columns.chosen_table(subjects, names)
    axes = [_axis(name, sweep.rows) for name in sweep.axes]
    predicted = [row for row in sweep.rows if row.prediction]
    measured = [row for row in sweep.rows if row.ratio]
    on_front = set(sweep.front.members) if sweep.front else set[int]()
    further = [
        Column("predicted_s", "predicted", show=units.seconds, number=True, visible=bool(predicted)),
        Column("latency_ratio", "time ×", show=units.factor, number=True, visible=bool(measured)),
        Column("verdict", "than the base", visible=bool(measured)),
        Column("pareto", "Pareto", show=lambda value: "*" if value else "", visible=bool(on_front)),
        Column("error", "error", visible=False),
    ]
    records = tuple(
        (
            *[row.point.get(name) for name in sweep.axes],
            *record,
            row.prediction.seconds if row.prediction else None,
            row.ratio.ratio if row.ratio else None,
            row.ratio.verdict if row.ratio else None,
            index in on_front,
            row.error,
        )
        for index, (row, record) in enumerate(zip(sweep.rows, figures.records, strict=True))
    )
    return replace(
        figures, columns=(*axes, *figures.columns, *further), records=records, label=sweep.axes[0], noun="variant"
    )


def _axis(name: str, rows: Sequence[SweepRow]) -> Column:
    number = all(type(row.point.get(name)) in (int, float) for row in rows)
    return Column(name, name, show=units.literal, number=number, absent=units.ABSENT)


def _front(sweep: Sweep) -> list[str]:
    if sweep.front is None:
        return []
    x, y = (find_metric(name.partition(":")[0]).label for name in (sweep.front.x, sweep.front.y))
    count = len(sweep.front.members)
    return [f"* no other variant is better in {x} and {y} both: {units.plural(count, 'variant')} on the Pareto front"]


def _absent(sweep: Sweep, subjects: Sequence[columns.Subject], names: Sequence[str]) -> list[str]:
    """The metrics that no variant has, where there are variants that have any."""
    return columns.absent(subjects, names) if any(row.figures for row in sweep.rows) else []


def _failures(failures: Sequence[SweepRow]) -> list[str]:
    lines = [
        f"{', '.join(f'{name} {units.literal(value)}' for name, value in row.point.items())}: {row.error}"
        for row in failures[:_FAILURES]
    ]
    rest = len(failures) - _FAILURES
    return [*lines, *([f"and {rest:,} more failed; CSV and JSON have every error"] if rest > 0 else [])]
