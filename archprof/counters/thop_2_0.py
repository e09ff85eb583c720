"""What Ultralytics printed in 2024 and 2025, explained: thop 2.0's rules, and then what scaling the image up does.

That version shares its import name with today's, so it is replayed and not run; the tests hold the replay to the
package itself.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import floor
from time import perf_counter
from typing import TYPE_CHECKING

import torch

from archprof.count.conventions import thop_2_0
from archprof.counters.explain import explain, other_images
from archprof.counters.interface import Item
from archprof.errors import RunError
from archprof.records.audit import Opinion
from archprof.trace.run import trace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from archprof.count.counted_model import CountedModel
    from archprof.counters.explain import Exact
    from archprof.records.audit import Difference, Kind
    from archprof.trace.record import ModuleCall

NAME = thop_2_0.NAME
VERSION = "2.0"
UNIT = "GFLOPs"


def opinion(counted: CountedModel, exact: Exact, image: Exact) -> Opinion:
    """The figure, and how it comes about.

    Args:
        counted: The model.
        exact: Its exact count.
        image: That of one image of the batch, which is all that was profiled.
    """
    given = counted.inputs[0]
    start = perf_counter()
    size = (given.shape[-2], given.shape[-1])
    if counted.built.kind != "image":
        return Opinion(counter=NAME, version=VERSION, unit=UNIT, error="it takes images only")
    large = torch.empty(1, *given.shape[1:], device="meta", dtype=given.dtype)
    try:
        replayed = thop_2_0.replay(counted.built.module, size)
        items = _items(thop_2_0.amounts(trace(counted.built.module, (large,))))
    except RunError as error:
        return Opinion(counter=NAME, version=VERSION, unit=UNIT, error=error.message)
    macs = replayed.operations * replayed.ratio
    seconds = perf_counter() - start
    return Opinion(
        counter=NAME,
        version=VERSION,
        unit=UNIT,
        value=float(2 * macs / 10**9),
        macs=_rounded(macs),
        ratio=float(macs / exact.macs) if exact.macs else None,
        seconds=seconds,
        differences=[
            *other_images(exact, image),
            *explain(image, items, sum(item.macs for item in items), ""),
            *_extrapolated(image, items, replayed),
        ],
    )


def _items(amounts: Iterable[tuple[ModuleCall, int]]) -> list[Item]:
    return [Item(call.path, type(call.module).__name__, amount, "module") for call, amount in amounts]


def _extrapolated(image: Exact, items: Sequence[Item], replayed: thop_2_0.Replay) -> Iterator[Difference]:
    """What multiplying by the ratio of areas changes: nothing where the cost grows with the area."""
    full, small = (_by_module(some) for some in (items, _items(replayed.amounts)))
    height, width = replayed.shape[-2:]
    running, given = Fraction(), 0
    for path in dict.fromkeys((*full, *small)):
        running += small[path] * replayed.ratio - full[path]
        # Rounded as the sum is, so that they add up where the ratio is no integer.
        amount = _rounded(running) - given
        given += amount
        if amount:
            why = f"extrapolated from {height}×{width}"
            kind: Kind = "added" if amount > 0 else "missed"
            yield image.difference(kind, image.types[path], why, amount, module=path)


def _by_module(items: Sequence[Item]) -> Counter[str]:
    sums: Counter[str] = Counter()
    for item in items:
        sums[item.module] += item.macs
    return sums


def _rounded(number: Fraction) -> int:
    """The nearest integer, halves upwards: alike whatever integer is added before."""
    return floor(number + Fraction(1, 2))
