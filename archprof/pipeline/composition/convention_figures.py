"""What tools report of a variant, put together from its rows. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import TYPE_CHECKING

from archprof.builder.options import dtype_name
from archprof.count.figures import Figures, Item, reported
from archprof.count.proxies import SCALE, ProxyReading, at_size, items
from archprof.pipeline.composition.passes import NotComposableError
from archprof.records.conventions import TODAY, find_convention

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from archprof.count.proxies import Key
    from archprof.pipeline.composition.passes import Pass, Role, Rows
    from archprof.pipeline.composition.records import Head, RowDetails, RowReading
    from archprof.pipeline.composition.variant import Plan
    from archprof.records.conventions import Convention
    from archprof.records.profile import Reported

THOP = "thop-2.0"

OF_IMAGES = {THOP, TODAY}
"""Conventions whose tools look at images of their own."""

Shape = tuple[int, ...]


def module_path(index: int, path: str) -> str:
    """A module's path in the model, given its row and its path in that."""
    return f"model.{index}.{path}" if path else f"model.{index}"


@dataclass(frozen=True, slots=True)
class ConventionFigures:
    """What the tools of conventions report of one variant.

    Attributes:
        plan: The variant's rows.
        rows: Their records.
        whole: The variant's pass, with details.
        roles: What the network makes of its rows.
        head: What its last row makes of the network.
        strides: The strides of that row's inputs.
        shape: The shape of the input.
    """

    plan: Plan
    rows: Rows
    whole: Pass
    roles: Sequence[Role]
    head: Head
    strides: Sequence[float]
    shape: Shape

    def of(self, names: Collection[str], asked: Collection[str]) -> dict[str, Reported]:
        """What the tools of some conventions report, by the convention's name.

        Args:
            names: The conventions.
            asked: Those of them that the user asked for; they get what each module has.

        Raises:
            NotComposableError: Where a row's figure is not known, or the tool's figure is not what rows add up to.
        """
        figures = {name: self._of_operations(find_convention(name)) for name in names if name not in OF_IMAGES}
        if of_images := OF_IMAGES.intersection(names):
            figures |= self._of_images(of_images, asked)
        return dict(sorted(figures.items()))

    def _of_operations(self, convention: Convention) -> Reported:
        """What a convention gives that is a sum over operations."""
        paths: dict[str, str] = {}
        for index, details in enumerate(self.whole.details):
            for module in details.modules:
                if module.shared:  # what rows share is called by where it stands first
                    paths.setdefault(module.shared, f"model.{index}.{module.path}")
        entries = [
            Item(paths[owner] if owner else module_path(index, path), operation, amount, macs)
            for index, part in enumerate(self.rows.items(self.plan, self.whole, self.roles, convention))
            for path, operation, amount, macs, owner in part.items
        ]
        return reported(convention, Figures(entries), self.shape)

    def _of_images(self, names: Collection[str], asked: Collection[str]) -> dict[str, Reported]:
        """What Ultralytics reported in 2024–25 and reports today, which every profile of a network for images has."""
        if self.plan.tokens:
            if OF_IMAGES.intersection(asked):
                raise NotComposableError("a convention is asked for that is for images")
            return {}
        first = next((record.first_parameter for record in self.whole.records if record.first_parameter), None)
        dtype = dtype_name(self.plan.options.dtype)
        if first is None or len(first[0]) < 2 or first[1] != dtype:
            raise NotComposableError("no parameter tells the channels of the image")
        channels, side, sizes = first[0][1], max(int(max(self.strides, default=0)), 32), self.shape[2:]
        one_image = self.whole
        if self.shape[0] > 1:
            one_image = self.rows.run(self.plan, (1, *self.shape[1:]), self.roles, dtype=dtype, details=True)
        exact = list(_exact(one_image.details))
        figures: dict[str, Figures] = {}
        if THOP in names:
            small, scale = (1, channels, side, side), 2 * Fraction(prod(sizes), side * side)
            entries = [*_thop_2_0(self.rows.readings(self.plan, small, self.roles)), *exact]
            figures[THOP] = Figures(entries, scale=scale, shape=small, per_image=True)
        if TODAY in names:
            figures[TODAY] = self._today((1, channels, *sizes), side, exact)
        return {
            name: reported(find_convention(name), figure, self.shape, shares=name in asked)
            for name, figure in figures.items()
        }

    def _today(self, shape: Shape, side: int, exact: Sequence[Item]) -> Figures:
        """What the installed Ultralytics prints.

        Args:
            shape: The shape of one image.
            side: The stride of the smallest image that its thop looks at.
            exact: What operations take.
        """
        self.rows.check_sampling()

        def read(height: int, width: int) -> ProxyReading:
            readings = self.rows.readings(self.plan, (*shape[:2], height, width), self.roles)
            return ProxyReading(
                dict(_parts(readings, lambda reading: reading.modules)),
                dict(_parts(readings, lambda reading: reading.functions)),
                any(reading.fixed for reading in readings),
                any(reading.quadratic for reading in readings),
            )

        reading = at_size((shape[-2], shape[-1]), side, self.head.least_cells, read)
        if not reading.total:
            raise NotComposableError("thop gives nothing")
        return Figures(items(reading, exact), scale=SCALE, shape=shape, per_image=True)


def _thop_2_0(readings: Sequence[RowReading]) -> Iterator[Item]:
    for (path, kind), amount in _parts(readings, lambda reading: reading.thop_2_0):
        yield Item(path, kind, amount, 0)


def _parts(
    readings: Sequence[RowReading], amounts: Callable[[RowReading], Sequence[tuple[str, str, int]]]
) -> Iterator[tuple[Key, int]]:
    """What thop gives modules or functions of all rows, by their path in the model and their type or name."""
    for index, reading in enumerate(readings):
        for path, name, amount in amounts(reading):
            yield (module_path(index, path), name), amount


def _exact(details: Sequence[RowDetails]) -> Iterator[Item]:
    """The exact multiply-accumulates of every operation."""
    for index, part in enumerate(details):
        if part.exact is None:
            raise NotComposableError("rows share modules that multiply")
        for path, kind, macs in part.exact:
            yield Item(module_path(index, path), kind, 0, macs)
