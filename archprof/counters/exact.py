"""The exact count laid out by module and operation, to hold a counter's parts against."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import torch

from archprof.counters.explain import Cost, Exact
from archprof.counters.interface import family

if TYPE_CHECKING:
    from archprof.builder.built import Built
    from archprof.count.ledger import Ledger


def exact(built: Built, ledger: Ledger) -> Exact:
    """The multiply-accumulates of a ledger, each at the module that ran them itself."""
    calls = ledger.trace.calls
    macs: Counter[tuple[str, str]] = Counter()
    times: Counter[tuple[str, str]] = Counter()
    for entry in ledger.entries:
        if entry.count.macs:
            path = calls[entry.operation.call].path if entry.operation.call >= 0 else ""
            macs[path, entry.operation.name] += entry.count.macs
            times[path, entry.operation.name] += 1
    costs: dict[str, dict[str, Cost]] = {}
    for (path, name), amount in macs.items():
        costs.setdefault(path, {})[name] = Cost(amount, times[path, name], family(name) == "convolution")
    biases: Counter[str] = Counter()
    for call in calls:
        if isinstance(getattr(call.module, "bias", None), torch.Tensor):
            biases[call.path] += sum(output.numel for output in call.outputs)
    types = {path: type(module).__name__ for path, module in built.module.named_modules()}
    rows = {
        path: layer.index
        for layer in built.layers
        for path in types
        if path == layer.path or path.startswith(f"{layer.path}.")
    }
    return Exact(costs, types, biases, rows)
