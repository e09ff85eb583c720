"""Second opinions: other people's counters, run for real, each behind the same interface."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from archprof.counters.calflops import Calflops
from archprof.counters.fvcore import Fvcore
from archprof.counters.interface import Counter, CounterResult, Item
from archprof.counters.ptflops import Ptflops
from archprof.counters.thop import Thop
from archprof.counters.torch_flops import Torch
from archprof.counters.torchinfo import Torchinfo
from archprof.counters.torchprofile import Torchprofile
from archprof.counters.ultralytics import Ultralytics
from archprof.errors import RegistrationError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["COUNTERS", "Counter", "CounterResult", "Item", "counter_scope", "register_counter"]

COUNTERS: dict[str, Counter] = {}
"""By name, in the order in which they are shown."""


def register_counter(counter: Counter) -> None:
    """Add a counter to those that ``archprof audit`` runs; a plugin may add its own.

    Raises:
        RegistrationError: Where its name is taken.
    """
    if counter.name in COUNTERS:
        raise RegistrationError(f"counter {counter.name!r} is registered already")
    COUNTERS[counter.name] = counter


@contextmanager
def counter_scope() -> Iterator[None]:
    """What is registered while it holds is forgotten afterwards."""
    known = dict(COUNTERS)
    try:
        yield
    finally:
        COUNTERS.clear()
        COUNTERS.update(known)


for _counter in (Ultralytics(), Thop(), Fvcore(), Torch(), Ptflops(), Torchinfo(), Calflops(), Torchprofile()):
    register_counter(_counter)
