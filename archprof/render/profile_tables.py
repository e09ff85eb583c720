"""A profile's tables: its rows, its modules and its operations."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec

from archprof import units
from archprof.records.profile import Layer, arithmetic_intensity
from archprof.render import conventions
from archprof.render.attribution_text import sources
from archprof.render.table import Column, Record, Table, table_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.records.profile import Module, Profile

number = partial(Column, number=True, adds=True, show=units.count)
mega = partial(Column, number=True, adds=True, show=units.millions)
INTENSITY = Column("flops_per_byte", "FLOP/B", arithmetic_intensity, show=units.ratio, number=True)


def share(key: str, title: str, of: str, total: int, factor: int = 1, **options: Any) -> Column:
    """The share of a whole that an attribute has; it is printed, and CSV has the figure itself."""

    def value(part: Any) -> float | None:
        return factor * getattr(part, of) / total if total else None

    return Column(key, title, value, number=True, adds=True, show=units.percent, saved=False, **options)


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


def _figures(profile: Profile | None) -> tuple[Column, ...]:
    """The columns that rows and modules share; without a profile as far as their names go.

    Of weights alone nothing but the parameters is known.
    """
    columns = _all_figures(profile)
    if profile is None or not profile.weights_only:
        return columns
    known = ("parameters", "parameters_share")
    return tuple(
        column if column.key in known else replace(column, of=lambda part: None, visible=False) for column in columns
    )


def _all_figures(profile: Profile | None) -> tuple[Column, ...]:
    parameters, flops = (profile.totals.parameters, profile.totals.flops) if profile else (0, 0)
    return (
        Column(
            "output",
            "output",
            lambda part: part.output_shapes or None,
            show=units.shapes,
            raw=units.all_shapes,
            wraps=True,
        ),
        number("parameters", "params"),
        share("parameters_share", "params %", "parameters", parameters, droppable=True),
        number("macs", "MMACs", show=units.millions, visible=False, wide=True),
        mega("flops", "MFLOPs", lambda part: 2 * part.macs),
        share("flops_share", "FLOPs %", "macs", flops, 2),
        number("elementwise_flops", "elementwise M", show=units.millions, visible=False, wide=True),
        number("bytes_read", "read", show=_bytes, visible=False, wide=True),
        number("bytes_written", "written", show=_bytes, visible=False, wide=True),
        replace(INTENSITY, visible=False, wide=True),
        number("backward_macs", "backward MACs", visible=False),
    )


def _bytes(number: int) -> str:
    return units.measure(number, units.Unit.bytes)


def _sources(rows: list[int]) -> str:
    """What a row reads, with spaces where the cell may be folded."""
    return sources(rows).replace(",", ", ")


def row_columns(profile: Profile | None = None) -> tuple[Column, ...]:
    """The columns of :func:`rows`."""
    return (
        Column("index", "row"),
        Column("from", "from", attrgetter("from_"), show=_sources, raw=sources, min_width=4, wraps=True),
        Column("repeats", "repeats", droppable=True),
        Column("module", "module", min_width=12),
        Column(
            "arguments",
            "arguments",
            lambda layer: ", ".join(map(units.literal, layer.arguments)),
            min_width=9,
            wraps=True,
        ),
        *_figures(profile),
        Column("line", "line", visible=False),
    )


def rows(profile: Profile) -> Table:
    """One line a row of the YAML, as users of Ultralytics know it.

    What the rows do not account for, or two rows share, is a line of its own: the columns add up.
    """
    columns, totals = row_columns(profile), profile.totals
    total = {name: getattr(totals, name) for name in _ADDING if name != "backward_macs"}
    if profile.backward:
        total["backward_macs"] = profile.backward.macs
    outside = {name: amount - sum(getattr(layer, name) for layer in profile.layers) for name, amount in total.items()}
    reported = conventions.asked_for(profile)
    figures = conventions.module_figures(reported, inclusive=True) if reported else Counter[str]()
    values = [figures[layer.path] for layer in profile.layers]
    rest = conventions.total_of(reported) - sum(values) if reported else 0

    def summed(label: str, amounts: dict[str, Any]) -> Record:
        (record,) = table_of(columns, [Layer(index=0, module=label, path="", **amounts)], "module").records
        return (None, None, None, label, None, None, *record[6:])

    table = replace(table_of(columns, profile.layers, "module"), total=summed("total", total))
    if rest or any(outside.values()):
        table = replace(table, records=(*table.records, summed("(outside the rows)", outside)))
        values.append(rest)
    return conventions.replaced(table, profile, reported, values) if reported else table


_ADDING = ("parameters", "macs", "elementwise_flops", "bytes_read", "bytes_written", "backward_macs")


def module_columns(profile: Profile | None = None) -> tuple[Column, ...]:
    """The columns of :func:`modules`."""
    return (
        Column(
            "module", "module", lambda module: Branch(module.path, module.depth), show=Branch.indented, min_width=12
        ),
        Column("type", "type", min_width=10),
        Column("depth", "depth", visible=False),
        number("calls", "calls", adds=False),
        *_figures(profile),
    )


def modules(profile: Profile, depth: int) -> Table:
    """The tree of modules down to a depth, the model itself being 0; figures include the children's."""
    visible = [module for module in profile.modules if module.depth <= depth]
    return _by_convention(table_of(module_columns(profile), visible, "module"), profile, visible, inclusive=True)


def flat_modules(profile: Profile) -> Table:
    """Every module with parameters or operations of its own, and only those: they add up to the totals."""
    visible = [module for module in profile.modules if any(getattr(module, f"own_{name}") for name in _ADDING)]
    columns = (Column("module", "module", attrgetter("path"), min_width=12), *module_columns(profile)[1:])
    table = table_of(columns, map(_without_children, visible), "module").with_total()
    return _by_convention(table, profile, visible, inclusive=False)


def _by_convention(table: Table, profile: Profile, modules: Sequence[Module], *, inclusive: bool) -> Table:
    """The table of modules under the convention that was asked for."""
    reported = conventions.asked_for(profile)
    if reported is None:
        return table
    figures = conventions.module_figures(reported, inclusive=inclusive)
    return conventions.replaced(table, profile, reported, [figures[module.path] for module in modules])


def _without_children(module: Module) -> Module:
    """The module without what its children cost."""
    return msgspec.structs.replace(module, **{name: getattr(module, f"own_{name}") for name in _ADDING})


def operation_columns(profile: Profile | None = None) -> tuple[Column, ...]:
    """The columns of :func:`operations`; one without a formula has ``?``, never zero."""
    parts = [part for part in (profile.totals, profile.backward) if part] if profile else []
    flops, elementwise = sum(part.flops for part in parts), sum(part.elementwise_flops for part in parts)

    def known_only(column: Column) -> Column:
        value = column.of or attrgetter(column.key)
        return replace(column, of=lambda operation: None if operation.state == "unknown" else value(operation))

    return (
        Column("operation", "operation", attrgetter("name"), min_width=24),
        Column("phase", "pass", visible=len(parts) > 1),
        Column("state", "state"),
        number("calls", "calls"),
        known_only(number("macs", "MACs", visible=False)),
        known_only(mega("flops", "MFLOPs", lambda operation: 2 * operation.macs, absent="?")),
        known_only(share("flops_share", "FLOPs %", "macs", flops, 2)),
        known_only(mega("elementwise_flops", "elementwise M", absent="?")),
        known_only(share("elementwise_share", "elementwise %", "elementwise_flops", elementwise, droppable=True)),
        mega("bytes_read", "MB read", droppable=True),
        mega("bytes_written", "MB written", droppable=True),
        known_only(replace(INTENSITY, droppable=True)),
    )


def operations(profile: Profile) -> Table:
    """All calls of each operation together."""
    if reported := conventions.asked_for(profile):
        return conventions.operations(profile, reported)
    return table_of(operation_columns(profile), profile.operations, "operation").with_total()
