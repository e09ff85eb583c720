"""What is wrong with a text that is not YAML, in plain words: libyaml says what it expected, not what to mend."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import yaml

WIDTH = 100
"""Characters of a line that a message shows at most."""


class Mistake(NamedTuple):
    """A mistake: what it is, and where, both counted from 1."""

    message: str
    line: int
    column: int


class Position(NamedTuple):
    """Where libyaml stopped.

    Attributes:
        lines: The lines of the text.
        problem: What it says.
        line: The line, counted from 0; it may be beyond the last.
        column: The column there.
        start: Line and column of what it was reading.
    """

    lines: Sequence[str]
    problem: str
    line: int
    column: int
    start: tuple[int, int]

    @property
    def text(self) -> str:
        """The line."""
        return self.lines[self.line] if self.line < len(self.lines) else ""

    def above(self) -> int | None:
        """The line with something in it above this one; None where there is none."""
        numbers = range(min(self.line, len(self.lines)) - 1, -1, -1)
        return next((number for number in numbers if _bare(self.lines[number])), None)


def explain(error: yaml.MarkedYAMLError, text: str) -> Mistake:
    """What is wrong with a text."""
    mark = error.problem_mark or error.context_mark
    context = error.context_mark or mark
    if mark is None or context is None:
        return Mistake(str(error.problem or error.context), 1, 1)
    position = Position(text.split("\n"), error.problem or "", mark.line, mark.column, (context.line, context.column))
    mistakes = (rule(position) for rule in RULES)
    known = next((mistake for mistake in mistakes if mistake), None)
    return known or Mistake(str(error.problem or error.context), mark.line + 1, mark.column + 1)


def pointer(text: str, line: int, column: int) -> str:
    """A line of a text with a mark under one of its columns, both counted from 1."""
    lines = text.split("\n")
    shown = lines[line - 1].replace("\t", " ").rstrip("\r") if line <= len(lines) else ""
    first = max(0, min(column - WIDTH // 2, len(shown) - WIDTH))
    number = f"  {line} | "
    return f"{number}{shown[first : first + WIDTH]}\n{' ' * (len(number) - 2)}| {' ' * (column - 1 - first)}^"


def _bare(line: str) -> str:
    """A line without its comment and the space around it."""
    return re.sub(r"(^|\s)#.*", "", line).strip()


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _spaces(number: int) -> str:
    return "no space" if number == 0 else "1 space" if number == 1 else f"{number} spaces"


def _tab(position: Position) -> Mistake | None:
    before = position.text[: position.column + 1]
    if "\t" not in before or before.strip():
        return None
    return Mistake(
        f"line {position.line + 1} is indented with a tab; YAML takes spaces only",
        position.line + 1,
        before.index("\t") + 1,
    )


def _not_closed(position: Position) -> Mistake | None:
    """A bracket or a quote that goes on beyond its line, and that nothing closes."""
    line, column = position.start
    opened = position.lines[line][column : column + 1] if line < len(position.lines) else ""
    if not opened or opened not in "[{'\"" or line >= position.line:
        return None
    return Mistake(f"this {opened} is not closed", line + 1, column + 1)


def _not_closed_at_all(position: Position) -> Mistake | None:
    """The innermost bracket that is open where the text ends in the middle of a list."""
    if "node content" not in position.problem or any(map(_bare, position.lines[position.line + 1 :])):
        return None
    opened: list[tuple[int, int]] = []
    for number, text in enumerate(position.lines):
        for column, sign in enumerate(text if _bare(text) else ""):
            if sign in "[{":
                opened.append((number, column))
            elif sign in "]}" and opened:
                opened.pop()
    if not opened:
        return None
    line, column = opened[-1]
    return Mistake(f"this {position.lines[line][column]} is not closed", line + 1, column + 1)


def _comma(position: Position) -> Mistake | None:
    if "expected ',' or" not in position.problem or position.start[0] != position.line:
        return None
    before = position.text[: position.column].rstrip()
    message = f"a comma is missing behind {before.split(',')[-1].strip(' [{')!r}"
    return Mistake(message, position.line + 1, len(before) + 1)


def _colon(position: Position) -> Mistake | None:
    """A key without a colon, or without the space behind it: what stands below seems to belong to its value."""
    if "mapping values" not in position.problem and "expected ':'" not in position.problem:
        return None
    number = position.start[0] if "expected ':'" in position.problem else position.above()
    if number is None or number >= len(position.lines):
        return None
    bare, line = _bare(position.lines[number]), position.lines[number]
    column = _indent(line) + 1
    if match := re.fullmatch(r"(\w+):(\S.*)", bare):
        message = f"a space is missing behind the colon: {match[1]}: {match[2]}"
        return Mistake(message, number + 1, column + len(match[1]) + 1)
    if match := re.fullmatch(r"(\w+)(?:\s+([^:]+))?", bare):
        message = f"a colon is missing behind {match[1]!r}"
        return Mistake(message, number + 1, column + len(match[1]))
    return None


def _deeper_than_its_key(position: Position) -> Mistake | None:
    """A key under one that has its value already."""
    above = position.above()
    if "mapping values" not in position.problem or above is None:
        return None
    depths = _indent(position.lines[above]), _indent(position.text)
    if depths[1] <= depths[0]:
        return None
    message = (
        f"line {position.line + 1} is indented by {_spaces(depths[1])}, and the key above it by {_spaces(depths[0])}"
    )
    return Mistake(message, position.line + 1, depths[1] + 1)


def _two_colons(position: Position) -> Mistake | None:
    if "mapping values" not in position.problem:
        return None
    return Mistake("a value with a colon and a space in it needs quotes", position.line + 1, position.column + 1)


def _closed_twice(position: Position) -> Mistake | None:
    if position.text[position.column : position.column + 1] not in ("]", "}"):
        return None
    bracket = position.text[position.column]
    return Mistake(f"a {bracket} that closes nothing", position.line + 1, position.column + 1)


def _no_dash(position: Position) -> Mistake | None:
    above = position.above()
    if above is None or not (_bare(position.text).startswith("[") and _bare(position.lines[above]).startswith("[")):
        return None
    return Mistake("a row of a list begins with a dash and a space: - [", above + 1, _indent(position.lines[above]) + 1)


def _uneven(position: Position) -> Mistake | None:
    """An item or a key that is indented otherwise than those before it."""
    if "expected key" not in position.problem and "'-' indicator" not in position.problem:
        return None
    is_item, depth = _bare(position.text).startswith("-"), _indent(position.text)
    for number in range(min(position.line, len(position.lines)) - 1, -1, -1):
        line = position.lines[number]
        other = _bare(line)
        if other and other.startswith("-") == is_item and _indent(line) != depth:
            what = "item of the list" if is_item else "key"
            message = (
                f"line {position.line + 1} is indented by {_spaces(depth)}, and the {what} on line {number + 1} by "
            )
            return Mistake(message + _spaces(_indent(line)), position.line + 1, depth + 1)
    return None


def _needs_quotes(position: Position) -> Mistake | None:
    sign = position.text[position.column : position.column + 1]
    if not sign or ("start any token" not in position.problem and "undefined alias" not in position.problem):
        return None
    message = f"a value that begins with {sign} needs quotes"
    if "undefined alias" in position.problem:
        message = f"there is no anchor for this alias above it; {message}"
    return Mistake(message, position.line + 1, position.column + 1)


RULES: tuple[Callable[[Position], Mistake | None], ...] = (
    _tab,
    _closed_twice,
    _not_closed,
    _not_closed_at_all,
    _comma,
    _colon,
    _deeper_than_its_key,
    _two_colons,
    _no_dash,
    _uneven,
    _needs_quotes,
)
"""What may be wrong, each before a more general one."""
