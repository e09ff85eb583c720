"""Second opinions: other people's counters, run for real, each behind the same interface."""

from __future__ import annotations

from archprof.counters.calflops import Calflops
from archprof.counters.fvcore import Fvcore
from archprof.counters.interface import Counter, CounterResult, Item
from archprof.counters.ptflops import Ptflops
from archprof.counters.thop import Thop
from archprof.counters.torch_flops import Torch
from archprof.counters.torchinfo import Torchinfo
from archprof.counters.torchprofile import Torchprofile
from archprof.counters.ultralytics import Ultralytics
from archprof.registry import Registry

__all__ = ["COUNTERS", "Counter", "CounterResult", "Item"]

COUNTERS: Registry[Counter] = Registry("counter")
"""By name, in the order in which they are shown. A plugin may add its own."""

for counter in (Ultralytics(), Thop(), Fvcore(), Torch(), Ptflops(), Torchinfo(), Calflops(), Torchprofile()):
    COUNTERS.register(counter.name, counter)
