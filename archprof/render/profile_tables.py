"""A profile's tables: its rows, its modules and its operations."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from archprof import units
from archprof.records.profile import Layer, arithmetic_intensity
from archprof.render import conventions
from archprof.render.table import Column, Record, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.records.profile import Module, Operation, Profile

number = partial(Column, number=True, adds=True, show=units.count)
mega = partial(Column, number=True, adds=True, show=units.millions)
share = partial(Column, number=True, adds=True, show=units.percent, saved=False)
INTENSITY = Column("flops_per_byte", "FLOP/B", units.ratio, number=True)


@dataclass(frozen=True, slots=True)
class Branch:
    """A module in the tree: indented when printed, its whole path in CSV."""

    path: str
    depth: int

    def __str__(self) -> str:
        return self.path

    def indented(self) -> str:
        """Its own name under its parents'."""
        return "  " * self.depth + (self.path.rpartition(".")[2] or "(model)")


def _part(value: int, whole: int) -> float | None:
    return value / whole if whole else None


TRAFFIC = (
    number("bytes_read", "bytes read", printed=False),
    number("bytes_written", "bytes written", printed=False),
    replace(INTENSITY, printed=False),
    number("backward_macs", "backward MACs", printed=False),
)
"""What a part of the model moves, how much it computes for it, and what its gradients cost."""


ROWS = (
    Column("index", "row"),
    Column("from", "from", lambda sources: ",".join(map(str, sources)), min_width=5),
    Column("repeats", "repeats", droppable=True),
    Column("module", "module", min_width=12),
    Column("arguments", "arguments", min_width=8),
    Column("output", "output", units.shapes, raw=units.all_shapes, wraps=True),
    number("parameters", "params"),
    share("parameters_share", "params %", droppable=True),
    number("macs", "MACs", printed=False),
    mega("flops", "MFLOPs"),
    share("flops_share", "FLOPs %"),
    number("elementwise_flops", "elementwise FLOPs", printed=False),
    *TRAFFIC,
    Column("line", "line", printed=False),
)


def rows(profile: Profile) -> Table:
    """One line a row of the YAML, as users of Ultralytics know it.

    What the rows do not account for, or two rows share, is a line of its own: the columns add up.
    """
    totals = profile.totals

    def record(layer: Layer) -> Record:
        arguments = ", ".join(units.literal(argument) for argument in layer.arguments)
        return (
            layer.index,
            layer.from_,
            layer.repeats,
            layer.module,
            arguments,
            layer.output_shapes or None,
            layer.parameters,
            _part(layer.parameters, totals.parameters),
            layer.macs,
            2 * layer.macs,
            _part(2 * layer.macs, totals.flops),
            layer.elementwise_flops,
            *_traffic(layer, profile),
            layer.line,
        )

    def summed(label: str, part: Layer) -> Record:
        return (*(None, None, None, label, None, None), *record(part)[6:])

    records = [record(layer) for layer in profile.layers]
    total = Layer(
        index=0,
        module="",
        path="",
        parameters=totals.parameters,
        macs=totals.macs,
        elementwise_flops=totals.elementwise_flops,
        bytes_read=totals.bytes_read,
        bytes_written=totals.bytes_written,
        backward_macs=profile.backward.macs if profile.backward else 0,
    )
    outside = Layer(
        index=0,
        module="",
        path="",
        **{name: getattr(total, name) - sum(getattr(layer, name) for layer in profile.layers) for name in _ADDING},
    )
    reported = conventions.asked_for(profile)
    figures = conventions.module_figures(reported, inclusive=True) if reported else Counter[str]()
    values = [figures[layer.path] for layer in profile.layers]
    rest = conventions.total_of(reported) - sum(values) if reported else 0
    if rest or any(getattr(outside, name) for name in _ADDING):
        records.append(summed("(outside the rows)", outside))
        values.append(rest)
    table = Table(ROWS, tuple(records), label="module", total=summed("total", total))
    return conventions.replaced(table, profile, reported, values) if reported else table


_ADDING = ("parameters", "macs", "elementwise_flops", "bytes_read", "bytes_written", "backward_macs")


def _traffic(part: Layer | Module, profile: Profile) -> tuple[int | float | None, ...]:
    """What stands under :data:`TRAFFIC`."""
    backward = part.backward_macs if profile.backward else None
    return (part.bytes_read, part.bytes_written, arithmetic_intensity(part), backward)


MODULES = (
    Column("module", "module", lambda branch: branch.indented(), min_width=12),
    Column("type", "type", min_width=10),
    Column("depth", "depth", printed=False),
    number("calls", "calls", adds=False),
    Column("output", "output", units.shapes, raw=units.all_shapes, wraps=True),
    number("parameters", "params"),
    share("parameters_share", "params %", droppable=True),
    number("macs", "MACs", printed=False),
    mega("flops", "MFLOPs"),
    share("flops_share", "FLOPs %"),
    number("elementwise_flops", "elementwise FLOPs", printed=False),
    *TRAFFIC,
)


def modules(profile: Profile, depth: int) -> Table:
    """The tree of modules down to a depth, the model itself being 0; figures include the children's."""
    shown = [module for module in profile.modules if module.depth <= depth]
    records = tuple(_module(module, Branch(module.path, module.depth), profile) for module in shown)
    return _by_convention(Table(MODULES, records, label="module"), profile, shown, inclusive=True)


def flat_modules(profile: Profile) -> Table:
    """Every module with parameters or operations of its own, and only those: they add up to the totals."""
    shown = [module for module in profile.modules if any(getattr(module, f"own_{name}") for name in _ADDING)]
    records = tuple(_module(_without_children(module), Branch(module.path, 0), profile) for module in shown)
    columns = (Column("module", "module", min_width=12), *MODULES[1:])
    table = Table(columns, records, label="module").with_total()
    return _by_convention(table, profile, shown, inclusive=False)


def _by_convention(table: Table, profile: Profile, shown: Sequence[Module], *, inclusive: bool) -> Table:
    """The table of modules under the convention that was asked for."""
    reported = conventions.asked_for(profile)
    if reported is None:
        return table
    figures = conventions.module_figures(reported, inclusive=inclusive)
    return conventions.replaced(table, profile, reported, [figures[module.path] for module in shown])


def _without_children(module: Module) -> Module:
    """The module without what its children cost."""
    return msgspec.structs.replace(module, **{name: getattr(module, f"own_{name}") for name in _ADDING})


def _module(module: Module, branch: Branch, profile: Profile) -> Record:
    totals = profile.totals
    return (
        branch,
        module.type,
        module.depth,
        module.calls,
        module.output_shapes or None,
        module.parameters,
        _part(module.parameters, totals.parameters),
        module.macs,
        2 * module.macs,
        _part(2 * module.macs, totals.flops),
        module.elementwise_flops,
        *_traffic(module, profile),
    )


OPERATIONS = (
    Column("operation", "operation", min_width=24),
    Column("phase", "pass", printed=False),
    Column("state", "state"),
    number("calls", "calls"),
    number("macs", "MACs", printed=False),
    mega("flops", "MFLOPs", absent="?"),
    share("flops_share", "FLOPs %"),
    mega("elementwise_flops", "elementwise M", absent="?"),
    share("elementwise_share", "elementwise %"),
    mega("bytes_read", "MB read", droppable=True),
    mega("bytes_written", "MB written", droppable=True),
    replace(INTENSITY, droppable=True),
)


def operations(profile: Profile) -> Table:
    """All calls of each operation together; one without a formula has ``?``, never zero."""
    if reported := conventions.asked_for(profile):
        return conventions.operations(profile, reported)
    totals, backward = profile.totals, profile.backward
    flops_of_all = totals.flops + (backward.flops if backward else 0)
    elementwise_of_all = totals.elementwise_flops + (backward.elementwise_flops if backward else 0)
    columns = tuple(
        replace(column, printed=column.printed or (backward is not None and column.key == "phase"))
        for column in OPERATIONS
    )

    def record(operation: Operation) -> Record:
        named = (operation.name, operation.phase, operation.state, operation.calls)
        moved = (operation.bytes_read, operation.bytes_written)
        if operation.state == "unknown":
            return (*named, *(None,) * 5, *moved, None)
        flops, elementwise = 2 * operation.macs, operation.elementwise_flops
        return (
            *(*named, operation.macs, flops, _part(flops, flops_of_all)),
            *(elementwise, _part(elementwise, elementwise_of_all)),
            *(*moved, arithmetic_intensity(operation)),
        )

    return Table(columns, tuple(map(record, profile.operations)), label="operation").with_total()
