"""A table before it is text: typed columns, raw values, sorting and cutting that keep the sums right."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from archprof.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Record = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        key: Its name in CSV and in ``--sort``.
        title: Its name above printed figures.
        show: How a value is printed; text prints as it is, None as the column's ``absent``.
        number: Whether it holds numbers: to the right, and sorted largest first.
        adds: Whether the rows' values add up to the total's.
        shrinks: To what width a narrow terminal may cut it; 0 for a column that is never cut.
        printed: Whether it is printed; the others are only in CSV.
        spare: Whether it is left out where the width does not hold all columns.
        absent: What stands for None.
    """

    key: str
    title: str
    show: Callable[[Any], str] = str
    number: bool = False
    adds: bool = False
    shrinks: int = 0
    printed: bool = True
    spare: bool = False
    absent: str = ""

    def text(self, value: Any) -> str:
        """The value as it is printed."""
        if value is None:
            return self.absent
        return value if isinstance(value, str) else self.show(value)


@dataclass(frozen=True, slots=True)
class Table:
    """Columns and the records under them.

    ``total`` is the last line; ``label`` is the key of the column that says what a line is.
    """

    columns: tuple[Column, ...]
    records: tuple[Record, ...]
    label: str
    total: Record | None = None

    def position(self, key: str) -> int:
        """Where a column stands."""
        return [column.key for column in self.columns].index(key)

    def sorted_by(self, name: str) -> Table:
        """The same records sorted by a column: numbers from the largest down, text from A to Z.

        Raises:
            UsageError: Where there is no such column.
        """
        column = find_column(self.columns, name)
        place = self.columns.index(column)
        present = [record for record in self.records if record[place] is not None]
        absent = [record for record in self.records if record[place] is None]
        present.sort(key=lambda record: record[place] if column.number else str(record[place]), reverse=column.number)
        return replace(self, records=(*present, *absent))

    def largest(self, *keys: str) -> Table:
        """The same records, those with the largest amount in the first column first, of equals in the next."""
        places = [self.position(key) for key in keys]
        ordered = sorted(self.records, key=lambda record: [-abs(record[place] or 0) for place in places])
        return replace(self, records=tuple(ordered))

    def top(self, count: int) -> Table:
        """The first records; one more line holds the sums of the rest, so that the columns still add up."""
        if len(self.records) <= count:
            return self
        kept, rest = self.records[:count], self.records[count:]
        return replace(self, records=(*kept, self.sums(rest, f"… {len(rest)} more")))

    def sums(self, records: Sequence[Record], label: str) -> Record:
        """One line for several records."""
        return tuple(
            label
            if column.key == self.label
            else sum(record[place] or 0 for record in records)
            if column.adds
            else None
            for place, column in enumerate(self.columns)
        )

    @property
    def printed(self) -> Table:
        """The table without the columns that only CSV has."""
        places = [place for place, column in enumerate(self.columns) if column.printed]

        def pick(record: Record) -> Record:
            return tuple(record[place] for place in places)

        return Table(
            columns=pick(self.columns),
            records=tuple(pick(record) for record in self.records),
            label=self.label,
            total=self.total and pick(self.total),
        )


def find_column(columns: Sequence[Column], name: str) -> Column:
    """The column of that key or title; letter case does not count.

    Raises:
        UsageError: Where there is none.
    """
    for column in columns:
        if name.lower() in (column.key, column.title.lower()):
            return column
    keys = [column.key for column in columns]
    hint = did_you_mean(name, keys) or f"columns: {', '.join(keys)}"
    raise UsageError(f"no column {name!r} to sort by", hint=hint)
