"""The file of a variant as a result has it: top-level keys and rows, each with its line, or what changes in them."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from archprof import units
from archprof.render.report import Line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archprof.records.comparison import Change, Difference, Pair, Part
    from archprof.records.profile import Layer, Profile

CONTEXT = 2
"""Unchanged rows that are shown before and after a changed one."""


def source_lines(profile: Profile) -> list[Line]:
    """What stands in the file, in the order of its lines; nothing for a model that is no YAML."""
    if not profile.layers:
        return []
    keys = [
        Line(number=key.line, text=f"{name}: {units.literal(key.value) if isinstance(key.value, list) else key.value}")
        for name, key in profile.variant.top_level.items()
        if key.line is not None
    ]
    rows = [Line(number=layer.line, text=f"- {_row(layer)}", row=layer.index) for layer in profile.layers]
    return sorted([*keys, *rows], key=lambda line: line.number or 0)


def changed_lines(pair: Pair) -> list[Line]:
    """What differs between the files of two models, as a diff shows it; nothing where they have no rows in common.

    A line of the model before is marked "-", one of the model after "+". Of rows that are the same in both files, those
    near a change are shown, and how many others there are.
    """
    if pair.parts != "rows":
        return []
    keys = [line for difference in pair.differences for line in _changed_key(difference)]
    groups = [(is_edited, list(changes)) for is_edited, changes in groupby(pair.changes, _is_edited)]
    rows: list[Line] = []
    for index, (is_edited, changes) in enumerate(groups):
        rows += _edited(changes) if is_edited else _unchanged(changes, index > 0, index < len(groups) - 1)
    return [*keys, *rows] if keys or any(line.mark for line in rows) else []


def _changed_key(difference: Difference) -> Iterator[Line]:
    """The lines of a top-level key, where it stands in the files."""
    sides = (("-", difference.before_line, difference.before), ("+", difference.after_line, difference.after))
    for mark, number, value in sides:
        if number is not None:
            yield Line(number=number, text=f"{difference.name}: {value}", mark=mark)


def _is_edited(change: Change) -> bool:
    """Whether a row is another one in the file."""
    return change.before is None or change.after is None or _part(change.before) != _part(change.after)


def _edited(changes: Sequence[Change]) -> Iterator[Line]:
    """Changed rows that follow one another: first what they were, then what they are."""
    for part in (change.before for change in changes):
        if part:
            yield Line(number=part.line, text=_part(part), mark="-")
    for part in (change.after for change in changes):
        if part:
            yield Line(number=part.line, text=_part(part), row=part.index, mark="+")


def _unchanged(changes: Sequence[Change], follows: bool, precedes: bool) -> Iterator[Line]:
    """Rows that are the same in both files, those far from a change in one line together."""
    head, tail = CONTEXT * follows, CONTEXT * precedes
    hidden = range(head, len(changes) - tail)
    for index, part in enumerate(change.part for change in changes):
        if index in hidden and len(hidden) > 1:
            if index == head:
                yield Line(number=None, text=f"… {len(hidden)} rows that are the same in both files")
        else:
            yield Line(number=part.line, text=_part(part), row=part.index)


def _part(part: Part) -> str:
    return f"- {_text(part.from_, part.repeats, part.module, part.arguments)}"


def _row(layer: Layer) -> str:
    if layer.yaml_row:
        return units.literal(list(layer.yaml_row))
    return _text(layer.from_, layer.repeats, layer.module, layer.arguments)


def _text(sources: Sequence[int], repeats: int, module: str, arguments: Sequence[Any]) -> str:
    """A row as a file has it: [from, repeats, module, arguments]."""
    source = list(sources) if len(sources) > 1 else sources[0] if sources else -1
    return units.literal([source, repeats, module, list(arguments)])
