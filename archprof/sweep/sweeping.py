"""A plan and a store -> the variants counted that are missing there, and the whole table."""

from __future__ import annotations

import os
import random
import time
from typing import TYPE_CHECKING, Any

from archprof.errors import ArchprofError, OutputError, PluginError, UsageError
from archprof.pipeline import profile_cache
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
    found = ENGINES.find(engine)
    if packages := found.missing():
        raise UsageError(f"the engine {engine} needs {', '.join(packages)}", hint=f"pip install 'archprof[{engine}]'")
    points = plan.points()
    if not points:
        raise UsageError("no variant is left to count", hint=f"conditions: {'; '.join(plan.where)}")
    for plugin in config.plugins:
        require(plugin, PluginError)
    missing = _missing(plan, store, config, points)
    counted = 0
    with progress.progressing() as watch:
        began = time.monotonic()
        for rows in found.run(_batches(plan, store, config, missing), config, address):
            store.write(plan.setup, rows)
            counted += len(rows)
            watch(_so_far(counted, len(missing), time.monotonic() - began), counted / len(missing))
    return counted


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
    chosen = [row for row in rows if all(condition.holds(row) for condition in conditions)]
    return Sweep(setup=dict(setup), axes=axes, where=list(where), rows=chosen, left_out=len(rows) - len(chosen))


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
        if found := [table(store, setup, where) for setup in store.setups()]:
            return found
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


def _batches(
    plan: Plan, store: Store, config: ExecutionConfig, points: Sequence[dict[str, Any]]
) -> Iterator[list[Task]]:
    """The points in batches, each without what another process has counted meanwhile."""
    starts = list(range(0, len(points), BATCH))
    # Two processes that share a store begin at different ends, and so do not count the same.
    random.Random(os.getpid()).shuffle(starts)
    for start in starts:
        batch_points = points[start : start + BATCH]
        contents = store.contents(plan.setup, batch_points)
        tasks = [_task(plan, config, point) for point in batch_points]
        if batch := [task for task in tasks if not _is_kept(contents, task)]:
            yield batch


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
