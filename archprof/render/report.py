"""A result as every output format takes it: what there is to say, without a word on how it looks.

They are structs of msgspec's since each command makes the classes anew, and a dataclass takes half a millisecond.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archprof.render.figures import Figure
    from archprof.render.table import Table

Fact = tuple[str, Sequence[str]]
"""A label, and the pieces that belong to it; a line may break between pieces."""

Level = Literal["error", "warning"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong, as tools of continuous integration take it.

    Attributes:
        rule: What kind it is of: a key of :attr:`Report.rules`.
        level: "error" where the command fails for it.
        blocking: Whether something could not be evaluated at all.
        file: The file that it is about.
        path: The same by the repository's root, for tools that show it there; absolute outside of it.
        line: The line there.
        title: What it is about, in a few words.
        text: What there is to say.
        fingerprint: The same for the same thing in every run, whatever the figures are.
    """

    rule: str
    level: Level
    blocking: bool = False
    file: str
    path: str
    line: int | None
    title: str
    text: str
    fingerprint: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was tested; ``message`` says in short what came of it, ``text`` at length."""

    name: str
    state: Literal["passed", "failed", "error", "skipped"] = "passed"
    message: str = ""
    text: str = ""
    rule: str = ""


class Suite(msgspec.Struct, frozen=True, kw_only=True):
    """What was tested of one case."""

    name: str
    tests: Sequence[Outcome]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the file that a result is about, and the row that it has; ``number`` is None where it is not known.

    Of two files ``mark`` is "-" for a line of the one before, "+" for a line of the one after, and empty for both.
    """

    number: int | None
    text: str
    row: int | None = None
    mark: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A result. Formats print its parts in this order; each part is a report of its own under a heading.

    Attributes:
        title: What it is about.
        about: What one must know of that to quote a figure: scale, input, type of numbers.
        status: How it ended, where that is worth a heading's notice.
        failed: Whether that is bad.
        facts: Figures that are not in a table.
        conclusions: Sentences that say what it comes to; they go before the tables.
        tables: The tables.
        figures: Makes the pictures, for a format that draws them.
        listing: The file that it is about, as far as the record has it; a row is a mark's or a line's way to it.
        diff: The same of two files: what changes from one to the other.
        notes: Sentences that a reader of the tables needs. Further lines of a note are commands to type.
        parts: Sections.
        record: What JSON holds: the saved record, whatever a view leaves out.
        data: What CSV holds: one table of raw values. Without it that is the first table.
        findings: What is wrong, the worst first.
        suites: Everything that was tested, case by case.
        root: The repository's root, which the findings' paths go from; empty where there is none.
        rules: What may be wrong, by the name that tools know it under.
        verdict: How the whole ended, in a line. The command line says it on stderr, so text leaves it out.
        exit_code: What the command ends with.
        limit: The most characters of a format that is posted somewhere; None for no limit.
    """

    title: str = ""
    about: Sequence[str] = ()
    status: str = ""
    failed: bool = False
    facts: Sequence[Fact] = ()
    conclusions: Sequence[str] = ()
    tables: Sequence[Table] = ()
    figures: Callable[[], Sequence[Figure]] = tuple
    listing: Sequence[Line] = ()
    diff: Sequence[Line] = ()
    notes: Sequence[str] = ()
    parts: Sequence[Report] = ()
    record: Any = None
    data: Table | None = None
    findings: Sequence[Finding] = ()
    suites: Sequence[Suite] = ()
    root: str = ""
    rules: Mapping[str, str] = {}
    verdict: str = ""
    exit_code: int = 0
    limit: int | None = None

    @property
    def main_table(self) -> Table | None:
        """The data; without any, the first table that is anywhere in it."""
        return self.data or next(self._tables(), None)

    def _tables(self) -> Iterator[Table]:
        yield from self.tables
        for part in self.parts:
            yield from part._tables()
