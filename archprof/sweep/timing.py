"""Variants of a sweep measured against the base, one experiment each, one at a time: nothing else runs meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from archprof.errors import RunError
from archprof.pipeline import profile_cache
from archprof.pipeline.measuring import measure_all
from archprof.sweep.sweeping import plan_rows

if TYPE_CHECKING:
    from archprof.pipeline import ExecutionConfig
    from archprof.pipeline.measuring import Measurement
    from archprof.pipeline.progress import Progress
    from archprof.sweep.plan import Plan
    from archprof.sweep.store import Store


def measure(plan: Plan, store: Store, measurement: Measurement, config: ExecutionConfig, progress: Progress) -> None:
    """Measure the variants that a store has counted and not measured, each in one paired experiment with the base.

    Args:
        plan: What is varied; the base is the model without that.
        store: Where rows are, and are kept after each experiment.
        measurement: Where and how variants are measured: the first target counts.
        config: How they may be counted.
        progress: Is told how far each experiment is.

    Raises:
        RunError: Where the base cannot be measured.
    """
    base = plan.request({})
    # One on the latency leaves out what has been measured.
    conditions = [condition for condition in plan.conditions if not condition.on_latency]
    for row in plan_rows(plan, store):
        is_wanted = row.error is None and all(condition.holds(row) for condition in conditions)
        if not is_wanted or row.latency is not None:
            continue
        request = plan.request(row.point)
        measured = measure_all([base, request], measurement, config, progress)
        if measured.experiment.interrupted:
            raise KeyboardInterrupt
        (base_latency, *_), (latency, *_) = measured.experiment.latencies
        if base_latency.error:
            raise RunError(f"{base.spec.reference} cannot be measured: {base_latency.error}")
        comparisons = measured.experiment.comparisons
        timed = structs.replace(row, latency=latency, ratio=comparisons[0].result if comparisons else None)
        store.write(plan.setup, [(timed, profile_cache.key_of(request, config.plugins))])
