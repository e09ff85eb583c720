"""From the small images that the installed thop looks at to the image that was asked for. Free of torch.

The rule, read from ultralytics-thop 2.2.3 (``thop.profile`` with a ``stride``) and held against it run for real: images
of one stride by 1, 2, 3 and 4 strides are profiled, as many as the model's modules call for, and a polynomial in
the number of stride cells is laid through what they cost. A model may need more strides than one at least. Where that
does not pay off, or does not fit, the image that was asked for is profiled itself.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from archprof.count.figures import Item

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

SCALE = Fraction(2)
"""FLOPs that Ultralytics prints for each operation of thop's."""

Key = tuple[str, str]
"""A module's path, and the type of the module or the name of the function."""


class ProxyReading(NamedTuple):
    """What thop gives the parts of a model on one image.

    Attributes:
        modules: What it gives modules by its rule for them.
        functions: What it gives functions that run outside of those.
        fixed: Whether the model has modules whose cost may not grow with the image.
        quadratic: Whether it has modules whose cost may grow with the square of the image's area.
    """

    modules: dict[Key, int]
    functions: dict[Key, int]
    fixed: bool
    quadratic: bool

    @property
    def total(self) -> int:
        """All that it gives."""
        return sum(self.modules.values()) + sum(self.functions.values())


def at_size(size: tuple[int, int], stride: int, least: int, read: Callable[[int, int], ProxyReading]) -> ProxyReading:
    """What thop gives a model at an image size, by way of smaller images where it goes that way.

    Args:
        size: Height and width that were asked for.
        stride: The model's largest stride, at least 32.
        least: How many strides wide the smallest image is.
        read: What thop gives it on an image of a height and a width.
    """
    height, width = size
    first = read(stride, stride * least)
    number = 4 if first.quadratic else 2 if first.fixed else 1
    cells = (height // stride) * (width // stride)
    planned = number * least + number * (number - 1) // 2
    if height % stride or width % stride or 4 * planned > cells:
        return read(height, width)
    readings = [first]
    while len(readings) < (4 if any(readings[-1].functions.values()) else number):
        readings.append(read(stride, stride * (least + len(readings))))
    totals = [reading.total for reading in readings]
    if len(totals) == 4 and totals[3] - 3 * totals[2] + 3 * totals[1] - totals[0]:
        return read(height, width)
    return extrapolated(readings, cells, least)


def extrapolated(readings: Sequence[ProxyReading], cells: int, least: int) -> ProxyReading:
    """The same polynomial for each part of a model, so that the parts add up to what it gives the whole.

    Args:
        readings: What thop gives on images of ``least`` cells, one more, and so on.
        cells: The cells of the image that was asked for.
        least: The cells of the first.
    """

    def parts(amounts: Sequence[dict[Key, int]]) -> dict[Key, int]:
        keys = dict.fromkeys(key for of_image in amounts for key in of_image)
        return {key: _polynomial([of_image.get(key, 0) for of_image in amounts], cells, least) for key in keys}

    return readings[0]._replace(
        modules=parts([reading.modules for reading in readings]),
        functions=parts([reading.functions for reading in readings]),
    )


def _polynomial(samples: Sequence[int], cells: int, least: int) -> int:
    """Newton's forward differences, of the second order at most; a single sample is taken to be proportional."""
    distance = cells - least
    slope = samples[1] - samples[0] if len(samples) > 1 else Fraction(samples[0], least)
    bend = samples[2] - 2 * samples[1] + samples[0] if len(samples) > 2 else 0
    return round(samples[0] + distance * slope + distance * (distance - 1) // 2 * bend)


def items(reading: ProxyReading, exact: Iterable[Item]) -> list[Item]:
    """What thop gives each module and function, and what these take exactly.

    A matrix product belongs to the functions that thop gives something for in the same module.

    Args:
        reading: What thop gives, at the size that was asked for.
        exact: The exact multiply-accumulates at that size, as :mod:`archprof.count.conventions.thop_2_0` has them.
    """
    types = dict(reading.modules.keys())
    names: dict[str, str] = {}
    for path, name in sorted(reading.functions):
        names[path] = f"{names[path]}, {name}" if path in names else name
    modules = [Item(path, name, amount, 0) for (path, name), amount in sorted(reading.modules.items())]
    functions = [Item(path, names[path], amount, 0) for (path, _), amount in sorted(reading.functions.items())]

    def operation(item: Item) -> str:
        product = item.path in names and "conv" not in item.operation.lower()
        return types.get(item.path) or (names[item.path] if product else item.operation)

    return [*modules, *functions, *(item._replace(operation=operation(item)) for item in exact)]
