"""A plan and a store -> the variants counted that are missing there, and the whole table."""

from __future__ import annotations

import os
import random
import time
from typing import TYPE_CHECKING, Any

from msgspec import structs

from archprof.builder.options import dtype_name
from archprof.errors import ArchprofError, OutputError, PluginError, RunError, UsageError
from archprof.latency import calibration_store
from archprof.pipeline import composition, predicting, profile_cache
from archprof.records.sweep import Sweep
from archprof.sources.usercode import require
from archprof.sweep.conditions import check_metrics, parse
from archprof.sweep.engines import ENGINES
from archprof.sweep.store import Store, encode
from archprof.sweep.tasks import Task
from archprof.units import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from archprof.pipeline import ExecutionConfig
    from archprof.pipeline.progress import Progress
    from archprof.records.sweep import SweepRow
    from archprof.sweep.conditions import Condition
    from archprof.sweep.plan import Plan

BATCH = 32
"""Variants that are counted and written together: what a process that is killed loses, at most."""


def sweep(
    plan: Plan,
    store: Store,
    config: ExecutionConfig,
    progress: Progress,
    *,
    engine: str = "local",
    address: str | None = None,
) -> int:
    """Count what a plan has and a store has not.

    Args:
        plan: What is varied.
        store: Where rows are kept, after each batch.
        config: How variants may be counted.
        progress: Is told how many are counted.
        engine: Where: one of :data:`~archprof.sweep.engines.ENGINES`.
        address: Where the engine's cluster is.

    Returns:
        How many variants were counted now.

    Raises:
        ArchprofError: Where the engine or the store cannot be used, or a plugin not loaded.
    """
    backend = ENGINES.find(engine)
    if packages := backend.missing():
        raise UsageError(f"the engine {engine} needs {', '.join(packages)}", hint=f"pip install 'archprof[{engine}]'")
    points = plan.points()
    if not points:
        raise UsageError("no variant is left to count", hint=f"conditions: {'; '.join(plan.where)}")
    store.note_run(plan.setup, plan.options)
    for plugin in config.plugins:
        require(plugin, PluginError)
    if plan.prediction:
        dtypes = plan.axes.get("dtype", [plan.build.dtype])
        predicting.check(plan.prediction, [dtype_name(str(dtype)) for dtype in dtypes])
    batches = _Batches(plan, store, config, points)
    counted = 0
    with progress.progressing() as watch:
        began = time.monotonic()
        for rows in backend.run(iter(batches), config, address):
            store.write(plan.setup, rows)
            counted += len(rows)
            total = batches.wanted
            watch(_so_far(counted, total, time.monotonic() - began), counted / total)
    return counted


def plan_rows(plan: Plan, store: Store) -> list[SweepRow]:
    """What a store has of the variants of a plan, sorted; it may have those of others with the same setup."""
    points = {encode(point) for point in plan.points()}
    return _sorted([row for row in store.rows(plan.setup) if encode(row.point) in points], list(plan.axes))


def plan_table(plan: Plan, rows: Sequence[SweepRow]) -> Sweep:
    """What came of a sweep.

    Args:
        plan: The sweep, which has ended.
        rows: What :func:`plan_rows` says. Variants that are not there were left out before they were counted.

    Raises:
        UsageError: Where no variant has the metric of a condition.
    """
    check_metrics(plan.conditions, rows)
    table = _table(plan.setup, list(plan.axes), plan.conditions, rows)
    return structs.replace(table, left_out=len(plan.points()) - len(table.rows), runs=[plan.options])


def failure(rows: Sequence[SweepRow]) -> RunError | None:
    """What to say where no variant of a sweep has figures; None where some have."""
    if not rows or any(row.error is None for row in rows):
        return None
    return RunError(f"none of {plural(len(rows), 'variant')} could be counted; the first: {rows[0].error}")


def tables(path: Path, where: Sequence[str] = (), number: int | None = None) -> list[Sweep]:
    """All that a store has, a table for each setup.

    Args:
        path: The store.
        where: Conditions that rows must meet. A variant without an axis meets none on it.
        number: Which of them is wanted alone, counted from 1.

    Raises:
        OutputError: Where it cannot be read, or has nothing yet.
        UsageError: Where it has no sweep of that number, a condition cannot be read, or no variant has its metric.
    """
    store = Store(path, read_only=True)
    try:
        setups = store.setups()
        if number is not None and number > len(setups) > 0:
            raise UsageError(f"there is no sweep {number} in {path}", hint=f"it has {plural(len(setups), 'sweep')}")
        chosen = setups[number - 1 : number] if number else setups
        sweeps = [(setup, store.rows(setup), store.runs(setup)) for setup in chosen]
    finally:
        store.close()
    if not sweeps:
        raise OutputError("has no variants yet", path=path)
    rows = [row for _, of_setup, _ in sweeps for row in of_setup]
    conditions = [parse(text, _axes(rows)) for text in where]
    check_metrics(conditions, rows)
    return [
        structs.replace(_table(setup, _axes(of_setup), conditions, of_setup), runs=runs)
        for setup, of_setup, runs in sweeps
    ]


def _axes(rows: Sequence[SweepRow]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row.point))


def _table(
    setup: Mapping[str, Any], axes: list[str], conditions: Sequence[Condition], rows: Sequence[SweepRow]
) -> Sweep:
    """The rows that meet all conditions, sorted by the values of their axes."""
    chosen = _sorted([row for row in rows if all(condition.holds(row) for condition in conditions)], axes)
    texts = [condition.text for condition in conditions]
    return Sweep(setup=dict(setup), axes=axes, where=texts, rows=chosen, left_out=len(rows) - len(chosen))


def _sorted(rows: Sequence[SweepRow], axes: Sequence[str]) -> list[SweepRow]:
    return sorted(rows, key=lambda row: [_order(row.point.get(name)) for name in axes])


def _order(value: Any) -> tuple[int, float, str]:
    """Numbers by size, then everything else by its text."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return 0, value, ""
    return 1, 0.0, encode(value)


class _Batches:
    """The points in batches, each without what is there already, or a condition leaves out.

    Args:
        plan: What is varied.
        store: Where rows are kept.
        config: How variants may be counted.
        points: The variants.

    Attributes:
        wanted: How many variants are counted, as far as is known yet.
    """

    def __init__(self, plan: Plan, store: Store, config: ExecutionConfig, points: Sequence[dict[str, Any]]) -> None:
        self._plan, self._store, self._config, self._points = plan, store, config, points
        # A prediction is made again once this computer is calibrated again.
        self._calibrated = calibration_store.state() if plan.prediction else ""
        self.wanted = len(points)

    def __iter__(self) -> Iterator[list[Task]]:
        starts = list(range(0, len(self._points), BATCH))
        # Two processes that share a store begin at different ends, and so do not count the same.
        random.Random(os.getpid()).shuffle(starts)
        for start in starts:
            points = self._points[start : start + BATCH]
            contents = self._store.contents(self._plan.setup, points)
            tasks = [self._task(point) for point in points]
            batch = [task for task in tasks if not self._is_kept(contents, task) and not self._is_excluded(task)]
            self.wanted -= len(tasks) - len(batch)
            if batch:
                yield batch

    def _task(self, point: dict[str, Any]) -> Task:
        try:
            request = self._plan.request(point)
        except ArchprofError as error:  # values that cannot be combined
            return Task(point, str(error), error)
        content = profile_cache.key_of(request, self._config.plugins)
        return Task(point, content and content + self._calibrated, request)

    @staticmethod
    def _is_kept(contents: Mapping[str, str | None], task: Task) -> bool:
        """Whether the store has the variant, and nothing has changed since that its figures depend on."""
        return task.content is not None and contents.get(encode(task.point)) == task.content

    def _is_excluded(self, task: Task) -> bool:
        """Whether what is known of some of its rows is more than a condition allows."""
        conditions = [condition for condition in self._plan.conditions if condition.metric]
        if not conditions or isinstance(task.request, ArchprofError):
            return False
        bounds = composition.lower_bounds(task.request, self._config.plugins)
        return any(condition.excludes(bounds) for condition in conditions)


def _so_far(counted: int, total: int, seconds: float) -> str:
    rate = counted / seconds if seconds else 0.0
    left = f", {(total - counted) / rate:,.0f} s left" if rate and counted < total else ""
    return f"{counted:,} of {plural(total, 'variant')}, {rate:,.1f} a second{left}"
