"""A table under the convention that was asked for: its figures stand where the exact FLOPs would."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from archprof import units
from archprof.render.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.records.profile import Profile, Reported

COLUMN = Column("convention", "convention", units.millions, number=True, adds=True)
SHARE = Column("convention_share", "%", units.percent, number=True, adds=True)

_REPLACED = ("flops", "flops_share")


def asked_for(profile: Profile) -> Reported | None:
    """What the convention says that was asked for, where it is not the exact FLOPs."""
    reported = profile.reported.get(profile.convention)
    return reported if reported and reported.shares else None


def title(profile: Profile, reported: Reported) -> str:
    """What stands above millions of a convention's unit: ``MMACs (fvcore)``."""
    return f"M{reported.unit.split()[0][1:]} ({profile.convention})"


def figures(reported: Reported, *, inclusive: bool) -> Counter[str]:
    """Module path -> its figure in the convention's unit, with the modules below it or without."""
    found: Counter[str] = Counter()
    for part in reported.shares:
        path = part.module
        found[path] += part.amount
        while path and inclusive:
            path = path.rpartition(".")[0]
            found[path] += part.amount
    return Counter({path: _scaled(reported, amount) for path, amount in found.items()})


def replaced(table: Table, profile: Profile, reported: Reported, values: Sequence[int]) -> Table:
    """The table with one more figure for each record, printed in place of the exact FLOPs."""
    place = table.position("flops_share") + 1
    whole = whole_of(reported)

    def longer(record: tuple[Any, ...], value: int) -> tuple[Any, ...]:
        return (*record[:place], value, value / whole if whole else None, *record[place:])

    columns = [replace(one, printed=one.printed and one.key not in _REPLACED) for one in table.columns]
    columns[place:place] = [replace(COLUMN, title=title(profile, reported)), SHARE]
    return replace(
        table,
        columns=tuple(columns),
        records=tuple(longer(record, value) for record, value in zip(table.records, values, strict=True)),
        total=table.total and longer(table.total, whole),
    )


def operations(profile: Profile, reported: Reported) -> Table:
    """What the convention gives each operation, function or type of module that it looks at, the dearest first."""
    calls: Counter[str] = Counter()
    macs: Counter[str] = Counter()
    amounts: Counter[str] = Counter()
    for part in reported.shares:
        calls[part.operation] += part.calls
        macs[part.operation] += part.macs
        amounts[part.operation] += part.amount
    names = sorted(calls, key=lambda name: (-amounts[name], -macs[name], name))
    columns = (
        Column("operation", "operation", shrinks=12),
        Column("calls", "calls", units.count, number=True, adds=True),
        Column("macs", "MACs", units.count, number=True, adds=True, printed=False),
        Column("flops", "exact MFLOPs", units.millions, number=True, adds=True),
        Column("flops_share", "%", units.percent, number=True, adds=True, printed=False),
    )
    exact = sum(macs.values())
    records = tuple((name, calls[name], macs[name], 2 * macs[name], _part(macs[name], exact)) for name in names)
    table = Table(columns, records, label="operation")
    table = replace(table, total=table.sums(records, "total"))
    longer = replaced(table, profile, reported, [_scaled(reported, amounts[name]) for name in names])
    return replace(
        longer, columns=tuple(replace(one, printed=one.printed or one.key == "flops") for one in longer.columns)
    )


def whole_of(reported: Reported) -> int:
    """The whole figure in the convention's unit."""
    return _scaled(reported, reported.operations)


def _scaled(reported: Reported, amount: int) -> int:
    """An amount in the convention's unit; where an image was extrapolated, a part is rounded."""
    return round(amount * reported.gflops * 10**9 / reported.operations) if reported.operations else 0


def _part(value: int, whole: int) -> float | None:
    return value / whole if whole else None
