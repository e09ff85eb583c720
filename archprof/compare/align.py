"""Two lists of rows, aligned as a diff aligns lines; rows that moved keep what they read in sight."""

from __future__ import annotations

from difflib import SequenceMatcher
from itertools import takewhile
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from archprof.records.comparison import Part

IndexPair = tuple[int | None, int | None]
"""Where a part stands before and after; None where it does not."""

_UNIT = 100_000  # more than likeness can make of any number of rows that are set against each other
_OTHER_ARGUMENTS = 2 * _UNIT
_OTHER_MODULE = 3 * _UNIT
_UNPAIRED = 2 * _UNIT  # a row that was removed or added: two of them cost more than one that changed
_LARGEST = 1_000_000  # cells of a table that is still worth filling


def align(before: Sequence[Part], after: Sequence[Part]) -> list[IndexPair]:
    """Which row of one list became which of the other, in an order that is both lists'.

    Rows that say the same are matched first: those at both ends, then the longest run of them first. What lies
    between two runs is matched so that as few rows as possible have another module, then other arguments; and of the
    ways in which that can be done, so that rows are paired that are most alike.

    Args:
        before: The rows as they were.
        after: The rows as they are.
    """
    old_words, new_words = ([_words(part) for part in parts] for parts in (before, after))
    head = _common_length(old_words, new_words)
    tail = _common_length(old_words[head:][::-1], new_words[head:][::-1])
    # Without its ends: matching many rows that all say the same takes the square of their number.
    middle = SequenceMatcher(
        None, old_words[head : len(before) - tail], new_words[head : len(after) - tail], autojunk=False
    )
    pairs: list[IndexPair] = [(index, index) for index in range(head)]
    for tag, *bounds in middle.get_opcodes():
        start, end, first, last = (head + bound for bound in bounds)
        if tag == "equal":
            pairs += zip(range(start, end), range(first, last), strict=True)
        else:
            between = _between(before[start:end], after[first:last])
            pairs += ((_add(start, old), _add(first, new)) for old, new in between)
    ends = zip(range(len(before) - tail, len(before)), range(len(after) - tail, len(after)), strict=True)
    return [*pairs, *ends]


def matched(pairs: Sequence[IndexPair]) -> dict[int, int]:
    """For each row that was there before and is there still, and for what goes into the model, what it became."""
    return {old: new for old, new in pairs if old is not None and new is not None} | {INPUT: INPUT}


def _common_length(before: Sequence[Hashable], after: Sequence[Hashable]) -> int:
    """How many words of both are the same from the start on."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False)))


def reads_the_same(before: Part, after: Part, became: Mapping[int, int]) -> bool:
    """Whether a row reads what it read: each source as written and counted from the row, or the same row as before.

    Args:
        before: The row as it was.
        after: The row as it is.
        became: For the index of each row as it was, that of the row that it was matched with.
    """
    if len(before.from_) != len(after.from_):
        return False
    return all(
        (old < 0 and old == new) or became.get(source_of(old, before.index), NOWHERE) == source_of(new, after.index)
        for old, new in zip(before.from_, after.from_, strict=True)
    )


INPUT = -1
"""The index of what goes into the model, where a row's would be."""

NOWHERE = -2
"""An index that nothing has."""


def source_of(source: int, reader: int | None) -> int:
    """The index of the row that the row of an index reads, :data:`INPUT` for what goes into the model."""
    return source if source >= 0 else (reader or 0) + source


def _words(part: Part) -> Hashable:
    """What the row says, without the rows that it reads: their numbers change with every row above."""
    return part.module, part.repeats, len(part.from_), msgspec.json.encode(part.arguments)


def _between(before: Sequence[Part], after: Sequence[Part]) -> Iterator[IndexPair]:
    """The cheapest alignment of rows of which none says the same."""
    if len(before) * len(after) > _LARGEST:
        for index in range(max(len(before), len(after))):
            yield (index if index < len(before) else None, index if index < len(after) else None)
        return
    costs = [[_UNPAIRED * index for index in range(len(after) + 1)]]
    for old, part in enumerate(before):
        line = [_UNPAIRED * (old + 1)]
        for new, candidate in enumerate(after):
            paired = costs[old][new] + _cost(part, candidate)
            line.append(min(paired, costs[old][new + 1] + _UNPAIRED, line[new] + _UNPAIRED))
        costs.append(line)
    yield from reversed(list(_back(costs, before, after)))


def _cost(before: Part, after: Part) -> int:
    """What it costs to say that one row became the other, less for what they have in common."""
    same_arguments = takewhile(lambda pair: pair[0] == pair[1], zip(before.arguments, after.arguments, strict=False))
    likeness = (
        min(sum(1 for _ in same_arguments), 5)
        + (before.repeats == after.repeats)
        + (len(before.from_) == len(after.from_))
        + (bool(before.output_shapes) and before.output_shapes == after.output_shapes)
    )
    return (_OTHER_ARGUMENTS if before.module == after.module else _OTHER_MODULE) - likeness


def _back(costs: list[list[int]], before: Sequence[Part], after: Sequence[Part]) -> Iterator[IndexPair]:
    """The way that the table was filled along, from its end."""
    old, new = len(before), len(after)
    while old or new:
        cost = costs[old][new]
        if old and new and cost == costs[old - 1][new - 1] + _cost(before[old - 1], after[new - 1]):
            old, new = old - 1, new - 1
            yield old, new
        elif new and cost == costs[old][new - 1] + _UNPAIRED:
            new -= 1
            yield None, new
        else:
            old -= 1
            yield old, None


def _add(start: int, index: int | None) -> int | None:
    return None if index is None else start + index
