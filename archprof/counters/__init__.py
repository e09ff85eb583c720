"""Second opinions: other people's counters, run for real, each behind the same interface."""

from __future__ import annotations

from archprof.counters.interface import Answer, Counter, CounterResult, Item
from archprof.registry import Registry

__all__ = ["COUNTERS", "Answer", "Counter", "CounterResult", "Item"]

COUNTERS: Registry[Counter] = Registry(
    "counter",
    __name__,
    (
        "ultralytics",
        "thop",
        "fvcore",
        "torch",
        "ptflops",
        "torchinfo",
        "calflops",
        "torchprofile",
    ),
)
"""By name, in the order in which they are shown; each is in the file of its name. A plugin may add its own."""
