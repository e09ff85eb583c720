"""Sweeps from Python."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from archprof.api.models import ModelOptions, choose
from archprof.api.project import in_project
from archprof.pipeline.progress import SILENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Unpack

    from archprof.records.sweep import Sweep


@in_project
def sweep(
    model: str,
    *,
    vary: Mapping[str, Sequence[Any] | str],
    where: Sequence[str] = (),
    sample: int | None = None,
    seed: int = 0,
    store: Path | str | None = None,
    conventions: Sequence[str] = (),
    latency: bool = False,
    x: str | None = None,
    y: str | None = None,
    jobs: int = 1,
    engine: str = "local",
    address: str | None = None,
    **options: Unpack[ModelOptions],
) -> Sweep:
    """Count every combination of what is varied: what ``archprof sweep`` shows.

    Args:
        model: A reference.
        vary: The values of each axis by its name: a list, or text such as ``"320:640:64"``.
        where: Conditions, as ``"flops < 8 G"``.
        sample: How many of the combinations are taken; all of them by default.
        seed: Which of them.
        store: An SQLite file that keeps what was counted; what it has is not counted again.
        conventions: Conventions that are reported beside the exact count.
        latency: Whether to predict each variant's latency.
        x: One metric of a Pareto front that is marked.
        y: The other.
        jobs: Processes that count at once.
        engine: "local" or "ray".
        address: The address of a Ray cluster.
        options: See :class:`ModelOptions`.

    Raises:
        ArchprofError: Where there is no such model, nothing is varied, or the store or the engine cannot be used.
    """
    from archprof.compare import pareto
    from archprof.sweep.front import with_front
    from archprof.sweep.plan import Plan
    from archprof.sweep.store import Store
    from archprof.sweep.sweeping import plan_rows, plan_table
    from archprof.sweep.sweeping import sweep as fill
    from archprof.sweep.values import parse_values

    choice = choose(options)
    plan = Plan(
        reference=model,
        selection=choice.selection,
        build=choice.build,
        axes={name: parse_values(name, values) if isinstance(values, str) else values for name, values in vary.items()},
        where=where,
        sample=sample,
        seed=seed,
        conventions=tuple(conventions),
        prediction=choice.prediction if latency else None,
    )
    front = (x or pareto.X, y or pareto.Y) if x or y else None
    for metric, _ in pareto.axes(*front) if front else ():
        plan.check_counted(metric)
    results = Store(Path(store) if store is not None else None)
    try:
        config = msgspec.structs.replace(choice.config, jobs=jobs)
        fill(plan, results, config, SILENT, engine=engine, address=address)
        result = plan_table(plan, plan_rows(plan, results))
    finally:
        results.close()
    return with_front(result, *front) if front else result
