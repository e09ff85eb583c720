"""A plan and a store -> the variants counted that are missing there, and the whole table."""

from __future__ import annotations

import os
import random
import time
from typing import TYPE_CHECKING, Any

from msgspec import structs

from archprof.errors import ArchprofError, OutputError, PluginError, RunError, UsageError
from archprof.pipeline import composition, profile_cache
from archprof.records.sweep import Sweep
from archprof.sources.usercode import require
from archprof.sweep.conditions import parse
from archprof.sweep.engines import ENGINES
from archprof.sweep.store import Store, encode
from archprof.sweep.tasks import Task
from archprof.units import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from archprof.pipeline import ExecutionConfig
    from archprof.pipeline.progress import Progress
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
    batches = _Batches(plan, store, config, _missing(plan, store, config, points))
    counted = 0
    with progress.progressing() as watch:
        began = time.monotonic()
        for rows in backend.run(iter(batches), config, address):
            store.write(plan.setup, rows)
            counted += len(rows)
            total = batches.wanted
            watch(_so_far(counted, total, time.monotonic() - began), counted / total)
    return counted


def plan_table(plan: Plan, store: Store) -> Sweep:
    """What came of a sweep.

    Args:
        plan: The sweep, which has ended.
        store: Where its rows are. Variants that are not there were left out before they were counted.
    """
    result = table(store, plan.setup, plan.where)
    points = plan.points()
    uncounted = len(points) - len(store.contents(plan.setup, points))
    return structs.replace(result, left_out=result.left_out + uncounted, runs=[plan.options])


def failure(plan: Plan, store: Store) -> RunError | None:
    """What to say where no variant of a sweep has figures; None where some have."""
    points = {encode(point) for point in plan.points()}
    rows = [row for row in store.rows(plan.setup) if encode(row.point) in points]
    if not rows or any(row.error is None for row in rows):
        return None
    return RunError(f"none of {plural(len(rows), 'variant')} could be counted; the first: {rows[0].error}")


def table(store: Store, setup: Mapping[str, Any], where: Sequence[str] = ()) -> Sweep:
    """What a store has of a sweep.

    Args:
        store: The store.
        setup: Which of its sweeps.
        where: Conditions that rows must meet; one without figures meets none.

    Raises:
        UsageError: Where a condition cannot be read.
    """
    rows = store.rows(setup)
    axes = list(dict.fromkeys(name for row in rows for name in row.point))
    conditions = [parse(text, axes) for text in where]
    for condition in conditions:
        condition.check(rows)
    chosen = [row for row in rows if all(condition.holds(row) for condition in conditions)]
    return Sweep(
        setup=dict(setup),
        axes=axes,
        where=list(where),
        runs=store.runs(setup),
        rows=chosen,
        left_out=len(rows) - len(chosen),
    )


def tables(path: Path, where: Sequence[str] = ()) -> list[Sweep]:
    """All that a store has, a table for each setup.

    Args:
        path: The store.
        where: Conditions that rows must meet.

    Raises:
        OutputError: Where it cannot be read, or has nothing yet.
        UsageError: Where a condition cannot be read.
    """
    store = Store(path, read_only=True)
    try:
        if results := [table(store, setup, where) for setup in store.setups()]:
            return results
    finally:
        store.close()
    raise OutputError("has no variants yet", path=path)


def _missing(
    plan: Plan, store: Store, config: ExecutionConfig, points: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The points that the store has not, or of which something has changed since."""
    contents = store.contents(plan.setup, points)
    return [
        point for point in points if encode(point) not in contents or not _is_kept(contents, _task(plan, config, point))
    ]


def _is_kept(contents: Mapping[str, str | None], task: Task) -> bool:
    return task.content is not None and contents.get(encode(task.point)) == task.content


class _Batches:
    """The points in batches, each without what another process has counted meanwhile, or a condition leaves out.

    Args:
        plan: What is varied.
        store: Where rows are kept.
        config: How variants may be counted.
        points: Those that are missing there.

    Attributes:
        wanted: How many variants are counted, as far as is known yet.
    """

    def __init__(self, plan: Plan, store: Store, config: ExecutionConfig, points: Sequence[dict[str, Any]]) -> None:
        self._plan, self._store, self._config, self._points = plan, store, config, points
        self.wanted = len(points)

    def __iter__(self) -> Iterator[list[Task]]:
        starts = list(range(0, len(self._points), BATCH))
        # Two processes that share a store begin at different ends, and so do not count the same.
        random.Random(os.getpid()).shuffle(starts)
        for start in starts:
            points = self._points[start : start + BATCH]
            contents = self._store.contents(self._plan.setup, points)
            tasks = [_task(self._plan, self._config, point) for point in points]
            batch = [task for task in tasks if not _is_kept(contents, task) and not self._is_excluded(task)]
            self.wanted -= len(tasks) - len(batch)
            if batch:
                yield batch

    def _is_excluded(self, task: Task) -> bool:
        """Whether what is known of some of its rows is more than a condition allows."""
        conditions = [condition for condition in self._plan.conditions if condition.metric]
        if not conditions or isinstance(task.request, ArchprofError):
            return False
        bounds = composition.lower_bounds(task.request, self._config.plugins)
        return any(condition.excludes(bounds) for condition in conditions)


def _task(plan: Plan, config: ExecutionConfig, point: dict[str, Any]) -> Task:
    try:
        request = plan.request(point)
    except ArchprofError as error:  # values that cannot be combined
        return Task(point, str(error), error)
    return Task(point, profile_cache.key_of(request, config.plugins), request)


def _so_far(counted: int, total: int, seconds: float) -> str:
    rate = counted / seconds if seconds else 0.0
    left = f", {(total - counted) / rate:,.0f} s left" if rate and counted < total else ""
    return f"{counted:,} of {plural(total, 'variant')}, {rate:,.1f} a second{left}"
