"""A table before it is text: typed columns, raw values, sorting and cutting that keep the sums right."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from archprof.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Record = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        key: Its name in CSV and in ``--sort``: what it holds, with the unit.
        title: Its name above printed figures.
        of: The value of the thing that a row is about; by default its attribute of the key's name.
        show: How a value is printed; text prints as it is, None as the column's ``absent``.
        number: Whether it holds numbers: to the right, and sorted largest first.
        adds: Whether the rows' values add up to the total's.
        min_width: To what width a narrow terminal may cut it; 0 for a column that is never cut.
        wraps: Whether a narrow terminal breaks it into several lines between words.
        droppable: Whether it is left out where the width does not hold all columns.
        visible: Whether it is printed; the others are only in CSV.
        wide: Whether a terminal with room to spare shows it although it is not visible elsewhere.
        row_style: The style of a row with such a value, where it has one of its own: "changed" or "bad".
        saved: Whether it is in CSV; the others are only printed.
        absent: What is printed for None.
        raw: The number or text behind a value, which CSV holds and sorting goes by; by default the value itself.
        aliases: What else ``--sort`` calls it.
    """

    key: str
    title: str
    of: Callable[[Any], Any] | None = None
    _: KW_ONLY
    show: Callable[[Any], str] = str
    number: bool = False
    adds: bool = False
    min_width: int = 0
    wraps: bool = False
    droppable: bool = False
    visible: bool = True
    wide: bool = False
    row_style: Callable[[Any], str | None] = lambda value: None
    saved: bool = True
    absent: str = ""
    raw: Callable[[Any], Any] = lambda value: value
    aliases: tuple[str, ...] = ()

    def text(self, value: Any) -> str:
        """The value as it is printed."""
        if value is None:
            return self.absent
        return value if isinstance(value, str) else self.show(value)

    def plain(self, value: Any) -> Any:
        """The value as CSV holds it; None where there is none."""
        return None if value is None else self.raw(value)


@dataclass(frozen=True, slots=True)
class Table:
    """Columns and the records under them.

    Attributes:
        columns: The columns.
        records: One value a column, each.
        label: The key of the column that says what a row is.
        noun: What a row is called, where that is not the label.
        total: The last line, where there is one.
        rest: The sums of records that were cut, printed before the total.
        folded: What stands for the table where a format can fold it away; empty for a table that is always open.
        text_only: Whether only a terminal can show it.
    """

    columns: tuple[Column, ...]
    records: tuple[Record, ...]
    label: str
    total: Record | None = None
    rest: Record | None = None
    folded: str = ""
    text_only: bool = False
    noun: str = ""

    def row_styles(self) -> list[str | None]:
        """The style of each record that has one of its own."""
        pairs = list(enumerate(self.columns))
        return [
            next((style for index, column in pairs if (style := column.row_style(record[index]))), None)
            for record in self.records
        ]

    def saved(self) -> tuple[list[str], list[list[Any]]]:
        """What CSV holds: the columns' keys, and a list of raw values a record."""
        saved = [(index, column) for index, column in enumerate(self.columns) if column.saved]
        rows = [[column.plain(record[index]) for index, column in saved] for record in self.records]
        return [column.key for _, column in saved], rows

    def position(self, key: str) -> int:
        """The index of a column."""
        return [column.key for column in self.columns].index(key)

    def sorted_by(self, name: str) -> Table:
        """The same records sorted by a column: numbers from the largest down, text from A to Z.

        Raises:
            UsageError: Where there is no such column.
        """
        column = find_column(self.columns, name)
        index = self.columns.index(column)
        present = [record for record in self.records if column.plain(record[index]) is not None]
        absent = [record for record in self.records if column.plain(record[index]) is None]

        def key(record: Record) -> Any:
            value = column.plain(record[index])
            return value if column.number else str(value)

        return replace(self, records=(*sorted(present, key=key, reverse=column.number), *absent))

    def largest(self, *keys: str) -> Table:
        """The same records, those with the largest amount in the first column first, of equals in the next."""
        indices = [self.position(key) for key in keys]
        ordered = sorted(self.records, key=lambda record: [-abs(record[index] or 0) for index in indices])
        return replace(self, records=tuple(ordered))

    def top(self, count: int | None) -> Table:
        """The first records; the sums of the others are kept, so that printed columns still add up."""
        if count is None or len(self.records) <= count:
            return self
        records, cut = self.records[:count], self.records[count:]
        return replace(self, records=records, rest=self.sums(cut, f"… {len(cut)} more"))

    def with_total(self) -> Table:
        """The same with the sums of all records as its last line."""
        return replace(self, total=self.sums(self.records, "total"))

    def sums(self, records: Sequence[Record], label: str) -> Record:
        """One line for several records."""
        return tuple(
            label
            if column.key == self.label
            else sum(record[index] or 0 for record in records)
            if column.adds
            else None
            for index, column in enumerate(self.columns)
        )

    def without_empty(self) -> Table:
        """The table without printed columns that are empty from top to bottom; a dash says something too."""
        values = zip(*self.records, strict=True) if self.records else [()] * len(self.columns)
        columns = [
            replace(
                column,
                visible=column.visible and (bool(column.absent) or any(value not in (None, "", []) for value in cells)),
            )
            for column, cells in zip(self.columns, values, strict=True)
        ]
        return replace(self, columns=tuple(columns))

    @property
    def visible(self) -> list[Column]:
        """The columns that are printed."""
        return [column for column in self.columns if column.visible]

    def cells(self) -> list[list[str]]:
        """The printed text of each line below the header, that of the total last."""
        lines = [*self.records, *(line for line in (self.rest, self.total) if line)]
        return [
            [column.text(value) for column, value in zip(self.columns, line, strict=True) if column.visible]
            for line in lines
        ]


def table_of(columns: Sequence[Column], things: Iterable[Any], label: str) -> Table:
    """A table of things, a row each, with what each column says of them."""
    values = [column.of or attrgetter(column.key) for column in columns]
    return Table(tuple(columns), tuple(tuple(value(thing) for value in values) for thing in things), label)


def find_column(columns: Sequence[Column], name: str) -> Column:
    """The column of that key, title or other name; letter case does not count.

    Raises:
        UsageError: Where there is none.
    """
    for column in columns:
        if name.lower() in (column.key.lower(), column.title.lower(), *column.aliases):
            return column
    keys = [column.key for column in columns]
    hint = did_you_mean(name, keys) or f"columns: {', '.join(keys)}"
    raise UsageError(f"no column {name!r} to sort by", hint=hint)
