"""What one device was measured to do, as plain data: kernels by size, memory by working set, overheads.

Nothing here needs torch.
"""

from __future__ import annotations

from itertools import pairwise, product
from math import exp, log, prod
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

VERSION = 3
"""The version of the format and of what is measured; a calibration of another one is none."""


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """Whose figures they are: those of other hardware, software or settings are never taken for this one's.

    Attributes:
        device: "cpu" or "cuda".
        name: The processor's or the card's.
        host: The processor that puts operations into a card's queue; none for a CPU.
        cpus: The processors that the process may use.
        dtype: What is computed in.
        torch: Its version.
        settings: The variables of the environment that change how torch computes.
    """

    device: str
    name: str
    host: str = ""
    cpus: int
    dtype: str
    torch: str
    settings: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def queued(self) -> bool:
        """Whether a call returns before its kernel has run, so that the processor runs ahead of the device."""
        return self.device != "cpu"


class Grid(msgspec.Struct, frozen=True, kw_only=True):
    """The rate of one kind of kernel on a grid of sizes.

    ``axes`` name the factors of its work. ``ticks`` are the sizes that were measured on each axis, ascending.
    ``rates`` are products of the factors a second, at every combination of ticks, the last axis running fastest; with
    ``macs`` these products are MACs. ``call_s`` is what a call takes the processor, where that was measured apart.
    """

    kind: str
    axes: list[str]
    ticks: list[list[int]]
    rates: list[float]
    macs: bool = False
    call_s: float | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot have been measured.

        Raises:
            ValueError: Where the lengths do not fit each other, ticks do not ascend, or a rate is not positive.
        """
        if len(self.axes) != len(self.ticks) or len(self.rates) != prod(map(len, self.ticks)):
            raise ValueError(f"the grid of {self.kind!r} has other rates than its ticks")
        if not all(axis and axis[0] > 0 and all(low < high for low, high in pairwise(axis)) for axis in self.ticks):
            raise ValueError(f"the ticks of {self.kind!r} do not ascend")
        if not all(0 < rate < float("inf") for rate in self.rates):
            raise ValueError(f"a rate of {self.kind!r} is not positive")

    def rate(self, sizes: Sequence[int]) -> float:
        """The rate at some sizes: linear in logarithms between ticks, and beyond them as at the last."""
        logarithm = 0.0
        around = [_around(ticks, size) for ticks, size in zip(self.ticks, sizes, strict=True)]
        for corner in product(*around):
            index = 0
            for ticks, (tick, _) in zip(self.ticks, corner, strict=True):
                index = index * len(ticks) + tick
            logarithm += prod(share for _, share in corner) * log(self.rates[index])
        return exp(logarithm)


def _around(ticks: list[int], size: int) -> list[tuple[int, float]]:
    """The places of the one or two ticks that a size lies between, each with its share."""
    if size <= ticks[0]:
        return [(0, 1.0)]
    for index, (low, high) in enumerate(pairwise(ticks)):
        if size < high:
            share = log(size / low) / log(high / low)
            return [(index, 1 - share), (index + 1, share)]
    return [(len(ticks) - 1, 1.0)]


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """One device, measured.

    Attributes:
        device: Whose figures they are.
        threads: What it computed with; None for a card, on which they change nothing.
        default_threads: What torch computes with there unless it is told.
        measured_at: When, in UTC, as ISO 8601 has it.
        duration_s: How long it took.
        rounds: How often each size was measured.
        grids: Kernels, one grid a kind.
        memory: Bytes a second, read and written together, by the bytes that are worked on.
        fresh_memory: Bytes a second at which memory is had anew from the system; None where torch keeps what it had.
        operation_s: What an operation takes in a network before its kernel does anything, where its grid has no time of
            its own for that.
        view_s: What an operation takes there that only makes a view.
        module_s: What the call of a module adds there.
        in_sequence: How many times as long kernels take in a network as each by itself.
        networks: Predicted over measured, of each network that the factors were fitted to.
        held_out: Measured over predicted, of each model that nothing was fitted to, by its reference.
    """

    version: int = VERSION
    device: Device
    threads: int | None
    default_threads: int | None
    measured_at: str
    duration_s: float
    rounds: int
    grids: list[Grid]
    memory: Grid
    fresh_memory: float | None
    operation_s: float
    view_s: float
    module_s: float
    in_sequence: float
    networks: list[float] = msgspec.field(default_factory=list)
    held_out: dict[str, float] = msgspec.field(default_factory=dict)

    @property
    def worst_error(self) -> float:
        """How far what is predicted of its own networks is from what they took, at most: 0.1 for a tenth."""
        return max((abs(ratio - 1) for ratio in self.networks), default=0.0)

    @property
    def error(self) -> float | None:
        """How many times as long, or as short, as predicted a held-out model took, at most; None where there is none.

        A prediction divided and multiplied by that is a split conformal interval (Lei and others, "Distribution-free
        predictive inference for regression", JASA 113, 2018): if a model's error is like theirs, each of the n + 1 is
        as likely to be the largest.
        """
        return max((max(ratio, 1 / ratio) for ratio in self.held_out.values()), default=None)

    @property
    def coverage(self) -> float | None:
        """The share of models like the held-out ones that the interval by :attr:`error` holds: n of n + 1."""
        return len(self.held_out) / (len(self.held_out) + 1) if self.held_out else None

    def grid(self, kind: str) -> Grid | None:
        """The grid of a kind; None where it was not measured."""
        return next((grid for grid in self.grids if grid.kind == kind), None)
