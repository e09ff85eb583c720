"""What is said of a computer that was busy."""

from __future__ import annotations

import pytest

from archprof.latency.measure import finished
from archprof.latency.sampler import Sampled
from archprof.records.latency import Latency, Load, Timer


@pytest.mark.parametrize(
    ("device", "threads", "others", "told"),
    [
        ("cpu", 2, 0.75, True),
        ("cpu", 2, 0.05, False),  # hardly anybody else
        ("cpu", 2, None, False),  # the system does not say
        ("cpu", 1, 0.75, False),  # no thread waits for another
        ("cpu", None, 0.75, False),  # a runtime that does not say how many it has
        ("cuda:0", 2, 0.75, False),
    ],
)
def test_threads_that_wait_for_one_another(device: str, threads: int | None, others: float | None, told: bool) -> None:
    facts = Latency(
        device=device, device_name="", backend="eager", options=[], dtype="float32", batch=1, threads=threads,
        scope="", timer=Timer(name="", overhead_s=0.0),
    )  # fmt: skip
    sampled = Sampled(samples=[0.024] * 10, calls=1, warmup=1, warmed_up=True, stopped="time", duration=0.24)

    latency = finished(facts, sampled, Load(before=1.0, after=1.0, other_processes=others), None, None)

    told_text = (
        "other processes took 75.0 % of the CPUs, and a parallel operation waits for the slowest of its 2 threads: "
        "with --threads 1 other processes change the time less"
    )
    assert latency.notes == ([told_text] if told else [])
