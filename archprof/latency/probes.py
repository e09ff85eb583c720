"""What is run to measure a device: for each kind of kernel the sizes, and the operation at one of them.

The sizes are those that convolutional networks and transformers have. A kind's rate depends on them by more than ten
times: a library packs and blocks its operands, which little work does not pay for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from math import isqrt, prod
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from archprof.count import workload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

POOL = 1 << 25
"""Elements that operands are taken from, at least; and at least as many bytes as so many of float32 are: 128 MiB, which
is more than processors' caches hold."""

CARD_POOL = 1 << 27
"""The same for a card, which is given more work: 512 MiB."""

_TILES = 64
"""How often the same random values come again: drawing that many takes longer than some measurements."""

Sizes = tuple[int, ...]
Make = Callable[..., Callable[[], object]]
"""From operands and sizes what is timed."""


class Operands:
    """Gives tensors of random values, each from another place in memory, until all of it was used.

    Weights come out cold: in a model everything else ran since they were read last. What an operation before has just
    written is warm.
    """

    def __init__(self, dtype: torch.dtype, device: torch.device) -> None:
        generator = torch.Generator().manual_seed(0)
        self.itemsize = dtype.itemsize
        pool = CARD_POOL if device.type == "cuda" else POOL
        self._size = pool * max(1, torch.float32.itemsize // self.itemsize)
        self._pool = torch.randn(self._size // _TILES, generator=generator).to(device, dtype).repeat(_TILES)
        self._next = 0
        self._warm: list[Tensor] = []

    def cold(self, *shape: int) -> Tensor:
        """A tensor that was not touched lately."""
        size = prod(shape)
        if self._next + size > self._size:
            self._next = 0
        start = self._next
        self._next += -(-size // 64) * 64
        return self._pool[start : start + size].view(shape)

    def warm(self, *shape: int) -> Tensor:
        """A tensor that :meth:`touch` brings as near as it fits."""
        tensor = self.cold(*shape)
        self._warm.append(tensor)
        return tensor

    def touch(self) -> None:
        """Write the warm tensors of the operation that was made last, as the operation before it would."""
        for tensor in self._warm:
            tensor.mul_(1)
        self._warm.clear()


@dataclass(frozen=True, slots=True)
class Probe:
    """One kind of kernel.

    Attributes:
        kind: Its name; that of :attr:`archprof.count.workload.Work.kind`.
        axes: The factors of its work.
        ticks: The sizes to measure on each axis.
        make: From operands and sizes one operation, ready to be called.
        limit: The most work that is run; where there is more the rate of less is taken, which it is close to.
        card_limit: The same for a card.
        macs: Whether its work is in MACs.
    """

    kind: str
    axes: tuple[str, ...]
    ticks: tuple[Sizes, ...]
    make: Make
    limit: int = 1_200_000_000
    card_limit: int = 100_000_000_000
    macs: bool = field(default=False, kw_only=True)

    def sizes(self) -> Iterator[Sizes]:
        """Every combination of ticks, the last axis running fastest."""
        return product(*self.ticks)

    def runs(self, *, on_card: bool = False) -> list[Sizes]:
        """The combinations that are no more work than the limit."""
        limit = self.card_limit if on_card else self.limit
        return [sizes for sizes in self.sizes() if prod(sizes) <= limit]

    def within(self, sizes: Sizes, measured: Callable[[Sizes], bool]) -> Sizes:
        """The sizes in place of some: the same, or with factors a tick smaller, the last ones first, until measured."""
        axis = len(sizes) - 1
        while not measured(sizes):
            at = self.ticks[axis].index(sizes[axis])
            if at:
                sizes = (*sizes[:axis], self.ticks[axis][at - 1], *sizes[axis + 1 :])
            else:
                axis -= 1
        return sizes


def _convolution(form: str, channels: tuple[Sizes, Sizes, Sizes], kernel: Sizes, positions: Sizes, make: Make) -> Probe:
    ticks = (*channels, kernel, positions)
    # A strided depthwise convolution reads four times the places that it is laid at.
    limit = 200_000_000 if form == "depthwise strided" else 1_200_000_000
    return Probe(f"{form} convolution", workload.CONVOLUTION, ticks, make, limit, macs=True)


def _plain(stride: int = 1) -> Make:
    def make(
        take: Operands, inputs: int, outputs: int, groups: int, kernel: int, positions: int
    ) -> Callable[[], object]:
        side, edge = isqrt(kernel), isqrt(positions) * stride
        source = take.warm(1, inputs * groups, edge, edge)
        weight = take.cold(outputs * groups, inputs, side, side)
        return lambda: functional.conv2d(source, weight, None, stride, side // 2, 1, groups)

    return make


def _patches(
    take: Operands, inputs: int, outputs: int, groups: int, kernel: int, positions: int
) -> Callable[[], object]:
    side = isqrt(kernel)
    source = take.warm(1, inputs * groups, isqrt(positions) * side, isqrt(positions) * side)
    weight = take.cold(outputs * groups, inputs, side, side)
    return lambda: functional.conv2d(source, weight, None, side)


def _transposed(
    take: Operands, inputs: int, outputs: int, groups: int, kernel: int, positions: int
) -> Callable[[], object]:
    side, edge = isqrt(kernel), isqrt(positions)
    source = take.warm(1, inputs * groups, edge, edge)
    weight = take.cold(inputs * groups, outputs, side, side)
    return lambda: functional.conv_transpose2d(source, weight, None, side, 0, 0, groups)


def _product(take: Operands, batch: int, rows: int, columns: int, inner: int) -> Callable[[], object]:
    if batch == 1:
        source, weight, bias = take.warm(rows, inner), take.cold(columns, inner), take.cold(columns)
        return lambda: functional.linear(source, weight, bias)
    left, right = take.warm(batch, rows, inner), take.warm(batch, inner, columns)
    return lambda: torch.bmm(left, right)


def _vector_product(take: Operands, batch: int, columns: int, inner: int) -> Callable[[], object]:
    """Few inner elements are a router's weights for kernels that lie one after another; many are a linear layer's."""
    if batch == 1 and inner > _KERNELS:
        source, weight = take.warm(1, inner), take.cold(columns, inner)
        return lambda: functional.linear(source, weight)
    if batch == 1:
        row, bank = take.warm(1, inner), take.cold(inner, columns)
        return lambda: torch.mm(row, bank)
    left, right = take.warm(batch, 1, inner), take.cold(batch, inner, columns)
    return lambda: torch.bmm(left, right)


def _attention(take: Operands, heads: int, queries: int, keys: int, width: int) -> Callable[[], object]:
    query, key, value = (take.warm(1, heads, length, width) for length in (queries, keys, keys))
    return lambda: functional.scaled_dot_product_attention(query, key, value)


def _pooling(function: Callable[..., Tensor]) -> Make:
    def make(take: Operands, elements: int, window: int) -> Callable[[], object]:
        edge, side = isqrt(elements // _CHANNELS), isqrt(window)
        source = take.warm(1, _CHANNELS, edge, edge)
        return lambda: function(source, side, 1, side // 2)

    return make


def _softmax(take: Operands, rows: int, width: int) -> Callable[[], object]:
    source = take.warm(rows, width)
    return lambda: torch.softmax(source, -1)


def _layer_norm(take: Operands, rows: int, width: int) -> Callable[[], object]:
    source, weight, bias = take.warm(rows, width), take.cold(width), take.cold(width)
    return lambda: functional.layer_norm(source, (width,), weight, bias)


def _batch_norm(take: Operands, elements: int) -> Callable[[], object]:
    source = take.warm(1, _CHANNELS, elements // _CHANNELS // 8, 8)
    weight, bias, mean = (take.cold(_CHANNELS) for _ in range(3))
    variance = take.cold(_CHANNELS).abs()
    return lambda: functional.batch_norm(source, mean, variance, weight, bias)


def _elements(function: Callable[..., Tensor], tensors: int = 1, parts: int = 1) -> Probe:
    """Of a function of so many tensors, each with a ``parts``th of the elements."""

    def make(take: Operands, elements: int) -> Callable[[], object]:
        sources = [take.warm(1, _CHANNELS, elements // _CHANNELS // parts // 4, 4) for _ in range(tensors)]
        return lambda: function(*sources)

    return Probe("", workload.ELEMENTS, ((256, 4096, 1 << 16, 1 << 19, 1 << 22),), make)


_CHANNELS = 16

_ELEMENTWISE: dict[str, Probe] = {
    "relu": _elements(functional.relu),
    "silu": _elements(functional.silu),
    "gelu": _elements(functional.gelu),
    "sigmoid": _elements(torch.sigmoid),
    "tanh": _elements(torch.tanh),
    "exp": _elements(torch.exp),
    "hardswish": _elements(functional.hardswish),
    "hardsigmoid": _elements(functional.hardsigmoid),
    "add": _elements(torch.add, 2),
    "mul": _elements(torch.mul, 2),
    "div": _elements(torch.div, 2),
    "mean": _elements(lambda source: source.mean((2, 3))),
    "cat": _elements(lambda *sources: torch.cat(sources, 1), 2, 2),
    "clone": _elements(lambda source: source.transpose(1, 3).contiguous()),
    "upsample_nearest2d": _elements(lambda source: functional.interpolate(source, scale_factor=2.0), parts=4),
}

_KERNELS = 16
"""More kernels than that are not mixed."""

_ONE = (1,)
_CROSS = (16, 64, 256)
_WIDE = (16, 64, 256, 1024)
_PLACES = (49, 400, 1600, 6400, 25600)

PROBES: tuple[Probe, ...] = (
    _convolution("1×1", (_WIDE, _WIDE, _ONE), _ONE, (1, *_PLACES), _plain()),
    _convolution("1×1 strided", ((64, 512), (64, 512), _ONE), _ONE, (49, 400, 3136), _plain(2)),
    _convolution("3×3", ((4, *_CROSS), _CROSS, _ONE), (9,), _PLACES, _plain()),
    _convolution("strided", ((3, *_CROSS), _CROSS, _ONE), (9, 49), _PLACES, _plain(2)),
    _convolution("large", ((16, 128), (16, 128), _ONE), (25, 49), (49, 1600), _plain()),
    _convolution("patch", ((3, 64, 256), (64, 512), _ONE), (4, 16, 256), (49, 784), _patches),
    _convolution("depthwise", (_ONE, _ONE, _WIDE), (9, 25, 49), _PLACES, _plain()),
    _convolution("depthwise strided", (_ONE, _ONE, _WIDE), (9, 25), _PLACES, _plain(2)),
    _convolution("grouped", ((2, 8, 32), (2, 8, 32), (4, 32)), (9,), (49, 400, 3136), _plain()),
    _convolution("grouped strided", ((2, 8, 32), (2, 8, 32), (4, 32)), (9,), (49, 784), _plain(2)),
    _convolution("transposed", ((16, 128), (16, 128), _ONE), (4,), (400, 6400), _transposed),
    Probe("product", workload.PRODUCT, ((1, 8), (2, 16, 196, 3136), _WIDE, _WIDE), _product, macs=True),
    Probe(
        "vector product",
        workload.VECTOR_PRODUCT,
        ((1, 8), (16, 256, 4096, 65536), (4, 16, 256, 1024, 4096)),
        _vector_product,
        limit=POOL // 2,
        card_limit=CARD_POOL // 2,
        macs=True,
    ),
    Probe("attention", workload.ATTENTION, ((4,), (49, 196, 784), (49, 196, 784), (32, 64)), _attention, macs=True),
    Probe("max_pool2d", workload.POOLING, ((6400, 25600, 409600), (9, 25)), _pooling(functional.max_pool2d)),
    Probe("avg_pool2d", workload.POOLING, ((6400, 25600, 409600), (4, 9)), _pooling(functional.avg_pool2d)),
    Probe("softmax", workload.ROWS, ((16, 256, 4096), (16, 64, 512)), _softmax),
    Probe("layer_norm", workload.ROWS, ((16, 256, 4096), (16, 64, 512)), _layer_norm),
    Probe("native_batch_norm", workload.ELEMENTS, ((256, 4096, 1 << 16, 1 << 19, 1 << 22),), _batch_norm),
    *(Probe(kind, probe.axes, probe.ticks, probe.make) for kind, probe in _ELEMENTWISE.items()),
)
"""Everything that is measured."""


def _copy(take: Operands, size: int) -> Callable[[], object]:
    elements = size // take.itemsize // 2
    source, target = take.warm(elements), take.warm(elements)
    return lambda: target.copy_(source)


_WORKING_SETS = (1 << 14, 1 << 17, 1 << 20, 1 << 23, 1 << 26)

MEMORY = Probe("memory", ("bytes",), (_WORKING_SETS,), _copy)
"""Copying, by the bytes that are read and written together."""

CARD_MEMORY = Probe("memory", ("bytes",), ((*_WORKING_SETS, 1 << 28),), _copy)
"""The same on a card, whose cache may hold 128 MiB."""
