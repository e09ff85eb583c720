"""A profile's tables: its rows, its modules, its operations, and one line a profile for several."""

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
share = partial(Column, title="%", number=True, adds=True, show=units.percent)


@dataclass(frozen=True, slots=True)
class Branch:
    """A module's place in the tree: indented when printed, its whole path in CSV."""

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
    number("bytes_read", "read", printed=False),
    number("bytes_written", "written", printed=False),
    Column("arithmetic_intensity", "FLOPs/B", units.ratio, number=True, printed=False),
    number("backward_macs", "backward MACs", printed=False),
)
"""What a part of the model moves, how much it computes for it, and what its gradients cost."""


ROWS = (
    Column("index", "row"),
    Column("from", "from", lambda sources: ",".join(map(str, sources)), shrinks=5),
    Column("repeats", "n"),
    Column("module", "module", shrinks=12),
    Column("arguments", "arguments", shrinks=8),
    Column("output", "output"),
    number("parameters", "params"),
    share("parameters_share"),
    number("macs", "MACs", printed=False),
    mega("flops", "MFLOPs"),
    share("flops_share"),
    number("elementwise_flops", "elementwise", printed=False),
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
            units.shapes(layer.output_shapes),
            layer.parameters,
            _part(layer.parameters, totals.parameters),
            layer.macs,
            2 * layer.macs,
            _part(2 * layer.macs, totals.flops),
            layer.elementwise_flops,
            *_traffic(layer),
            layer.line,
        )

    def whole(label: str, rest: Layer) -> Record:
        return (*(None, None, None, label, None, None), *record(rest)[6:])

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
    said = conventions.asked_for(profile)
    found = conventions.figures(said, inclusive=True) if said else Counter[str]()
    values = [found[layer.path] for layer in profile.layers]
    rest = conventions.whole_of(said) - sum(values) if said else 0
    if rest or any(getattr(outside, name) for name in _ADDING):
        records.append(whole("(outside the rows)", outside))
        values.append(rest)
    table = Table(ROWS, tuple(records), label="module", total=whole("total", total))
    return conventions.replaced(table, profile, said, values) if said else table


_ADDING = ("parameters", "macs", "elementwise_flops", "bytes_read", "bytes_written", "backward_macs")


def _traffic(part: Layer | Module) -> tuple[int | float | None, ...]:
    """What stands under :data:`TRAFFIC`."""
    return (part.bytes_read, part.bytes_written, arithmetic_intensity(part), part.backward_macs)


MODULES = (
    Column("module", "module", lambda branch: branch.indented(), shrinks=12),
    Column("type", "type", shrinks=10),
    Column("depth", "depth", printed=False),
    number("calls", "calls", adds=False),
    Column("output", "output"),
    number("parameters", "params"),
    share("parameters_share"),
    number("macs", "MACs", printed=False),
    mega("flops", "MFLOPs"),
    share("flops_share"),
    number("elementwise_flops", "elementwise", printed=False),
    *TRAFFIC,
)


def modules(profile: Profile, depth: int) -> Table:
    """The tree of modules down to a depth, the model itself being 0; figures include the children's."""
    totals = profile.totals

    def record(module: Module) -> Record:
        return _module(module, Branch(module.path, module.depth), totals.parameters, totals.flops)

    shown = [one for one in profile.modules if one.depth <= depth]
    table = Table(MODULES, tuple(record(one) for one in shown), label="module")
    return _under(table, profile, shown, inclusive=True)


def flat_modules(profile: Profile) -> Table:
    """Every module with parameters or operations of its own, and only those: they add up to the totals."""
    totals = profile.totals
    shown = [module for module in profile.modules if any(getattr(module, f"own_{name}") for name in _ADDING)]
    records = tuple(
        _module(_alone(module), Branch(module.path, 0), totals.parameters, totals.flops) for module in shown
    )
    columns = (Column("module", "module", shrinks=12), *MODULES[1:])
    empty = Table(columns, records, label="module")
    table = Table(columns, records, label="module", total=empty.sums(records, "total"))
    return _under(table, profile, shown, inclusive=False)


def _under(table: Table, profile: Profile, shown: Sequence[Module], *, inclusive: bool) -> Table:
    """The table of modules under the convention that was asked for."""
    said = conventions.asked_for(profile)
    if said is None:
        return table
    found = conventions.figures(said, inclusive=inclusive)
    return conventions.replaced(table, profile, said, [found[module.path] for module in shown])


def _alone(module: Module) -> Module:
    """The module without what its children cost."""
    return msgspec.structs.replace(module, **{name: getattr(module, f"own_{name}") for name in _ADDING})


def _module(module: Module, branch: Branch, parameters: int, flops: int) -> Record:
    return (
        branch,
        module.type,
        module.depth,
        module.calls,
        units.shapes(module.output_shapes),
        module.parameters,
        _part(module.parameters, parameters),
        module.macs,
        2 * module.macs,
        _part(2 * module.macs, flops),
        module.elementwise_flops,
        *_traffic(module),
    )


OPERATIONS = (
    Column("operation", "operation", shrinks=12),
    Column("phase", "pass", printed=False),
    Column("state", "state"),
    number("calls", "calls"),
    number("macs", "MACs", printed=False),
    mega("flops", "MFLOPs", absent="?"),
    share("flops_share"),
    mega("elementwise_flops", "elementwise M", absent="?"),
    share("elementwise_share"),
    mega("bytes_read", "MB read", spare=True),
    mega("bytes_written", "MB written", spare=True),
    Column("arithmetic_intensity", "FLOPs/B", units.ratio, number=True, spare=True),
)


def operations(profile: Profile) -> Table:
    """All calls of each operation together; one without a formula has ``?``, never zero."""
    if said := conventions.asked_for(profile):
        return conventions.operations(profile, said)
    totals, backward = profile.totals, profile.backward
    flops_of_all = totals.flops + (backward.flops if backward else 0)
    elementwise_of_all = totals.elementwise_flops + (backward.elementwise_flops if backward else 0)
    columns = tuple(
        replace(one, printed=one.printed or backward is not None) if one.key == "phase" else one for one in OPERATIONS
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

    records = tuple(record(operation) for operation in profile.operations)
    empty = Table(columns, records, label="operation")
    return Table(columns, records, label="operation", total=empty.sums(records, "total"))


def profiles(several: Sequence[Profile]) -> Table:
    """One line a profile: what ``--scale all`` prints.

    Where an operation of any of them has no formula, the columns say that they are lower bounds, and how much
    of each is covered.
    """
    lower = any(profile.coverage.unknown for profile in several)
    bound = ">= " if lower else ""
    counters = list(dict.fromkeys(name for profile in several for name in profile.reported))
    columns = (
        Column("variant", "variant", printed=False),
        Column("scale", "scale", absent=units.ABSENT),
        number("modules", "modules"),
        number("layers", "layers"),
        number("parameters", "params"),
        number("trainable_parameters", "gradients"),
        Column("flops", f"{bound}FLOPs", units.amount, number=True),
        number("macs", "MACs", printed=False),
        Column("elementwise_flops", f"{bound}elementwise", units.amount, number=True),
        number("weight_bytes", "weights", printed=False),
        number("peak_activation_bytes", "activations", printed=False),
        number("bytes_read", "read", printed=False),
        number("bytes_written", "written", printed=False),
        Column("coverage", "covered", units.coverage, number=True, printed=lower),
        *(Column(name, name, units.quoted, number=True, absent=units.ABSENT) for name in counters),
    )

    def record(profile: Profile) -> Record:
        totals = profile.totals
        said = [profile.reported.get(name) for name in counters]
        return (
            *(profile.variant.name, profile.variant.scale, totals.modules, totals.layers),
            *(totals.parameters, totals.trainable_parameters),
            *(totals.flops, totals.macs, totals.elementwise_flops),
            *(totals.weight_bytes, totals.peak_activation_bytes, totals.bytes_read, totals.bytes_written),
            profile.coverage.share,
            *(reported and reported.gflops for reported in said),
        )

    return Table(columns, tuple(record(profile) for profile in several), label="scale")
