"""A table under the convention that was asked for: its figures stand where the exact FLOPs would."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from archprof import units
from archprof.records.metrics import find_metric
from archprof.render.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.records.profile import Profile, Reported

ALIAS = "convention"
"""What ``--sort`` calls the column, whichever the convention is."""

_REPLACED = ("flops", "flops_share")


def asked_for(profile: Profile) -> Reported | None:
    """What the convention says that was asked for, where it is not the exact FLOPs."""
    reported = profile.reported.get(profile.convention)
    return reported if reported and reported.shares else None


def module_figures(reported: Reported, *, inclusive: bool) -> Counter[str]:
    """Module path -> its figure in the convention's unit, with the modules below it or without."""
    amounts: Counter[str] = Counter()
    for part in reported.shares:
        path = part.module
        amounts[path] += part.amount
        while path and inclusive:
            path = path.rpartition(".")[0]
            amounts[path] += part.amount
    return Counter({path: _scaled(reported, amount) for path, amount in amounts.items()})


def replaced(table: Table, profile: Profile, reported: Reported, values: Sequence[int]) -> Table:
    """The table with one more figure for each record, printed in place of the exact FLOPs."""
    index = table.position("flops_share") + 1
    total = total_of(reported)

    def longer(record: tuple[Any, ...], value: int) -> tuple[Any, ...]:
        return (*record[:index], value, value / total if total else None, *record[index:])

    columns = [replace(column, visible=column.visible and column.key not in _REPLACED) for column in table.columns]
    columns[index:index] = _columns(profile, reported, {column.key for column in columns})
    return replace(
        table,
        columns=tuple(columns),
        records=tuple(longer(record, value) for record, value in zip(table.records, values, strict=True)),
        total=table.total and longer(table.total, total),
    )


def _columns(profile: Profile, reported: Reported, keys: set[str]) -> list[Column]:
    """The figure and its share; CSV has a figure once, whether or not a convention repeats it."""
    unit = reported.unit.split()[0][1:]
    key = find_metric(profile.convention).column
    figure = Column(
        key,
        f"M{unit} ({profile.convention})",
        show=units.millions,
        number=True,
        adds=True,
        saved=key not in keys,
        aliases=(ALIAS,),
    )
    return [figure, Column(f"{key}_share", f"{unit} %", show=units.percent, number=True, adds=True, saved=False)]


def operations(profile: Profile, reported: Reported) -> Table:
    """What the convention gives each operation, function or type of module that it looks at, the largest first."""
    calls: Counter[str] = Counter()
    macs: Counter[str] = Counter()
    amounts: Counter[str] = Counter()
    for part in reported.shares:
        calls[part.operation] += part.calls
        macs[part.operation] += part.macs
        amounts[part.operation] += part.amount
    names = sorted(calls, key=lambda name: (-amounts[name], -macs[name], name))
    columns = (
        Column("operation", "operation", min_width=12),
        Column("calls", "calls", show=units.count, number=True, adds=True),
        Column("macs", "MACs", show=units.count, number=True, adds=True, visible=False),
        Column("flops", "exact MFLOPs", show=units.millions, number=True, adds=True),
        Column("flops_share", "FLOPs %", show=units.percent, number=True, adds=True, visible=False, saved=False),
    )
    exact = sum(macs.values())
    records = tuple(
        (name, calls[name], macs[name], 2 * macs[name], macs[name] / exact if exact else None) for name in names
    )
    table = Table(columns, records, label="operation").with_total()
    longer = replaced(table, profile, reported, [_scaled(reported, amounts[name]) for name in names])
    with_flops = [replace(column, visible=column.visible or column.key == "flops") for column in longer.columns]
    return replace(longer, columns=tuple(with_flops))


def total_of(reported: Reported) -> int:
    """The total in the convention's unit."""
    return _scaled(reported, reported.operations)


def _scaled(reported: Reported, amount: int) -> int:
    """An amount in the convention's unit; where an image was extrapolated, a part is rounded."""
    return round(amount * reported.gflops * 10**9 / reported.operations) if reported.operations else 0
