"""What was changed in a row, told from what it says and from the shapes around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.compare.align import reads_the_same
from archprof.records.comparison import Edit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archprof.records.comparison import Part


def edits_of(before: Part, after: Part, became: Mapping[int, int]) -> list[Edit]:
    """What was changed in a row, the most telling first.

    Args:
        before: The row as it was.
        after: The row as it is.
        became: For the index of each row as it was, that of the row that it was matched with.
    """
    return list(_edits(before, after, became))


def _edits(before: Part, after: Part, became: Mapping[int, int]) -> Iterator[Edit]:
    if before.module != after.module:
        yield Edit(field="module", before=before.module, after=after.module)
    if not reads_the_same(before, after, became):
        yield Edit(field="from", before=before.from_, after=after.from_)
    if before.arguments != after.arguments:
        old, new = _stride(before), _stride(after)
        if old and new and old != new:
            yield Edit(field="stride", before=old, after=new)
        channels = [_channels(part) for part in (before, after)]
        if all(channels) and channels[0] != channels[1]:
            yield Edit(field="channels", before=channels[0], after=channels[1])
    if before.repeats != after.repeats:
        yield Edit(field="repeats", before=before.repeats, after=after.repeats)
    if before.arguments != after.arguments:
        yield Edit(field="arguments", before=before.arguments, after=after.arguments)


def _stride(part: Part) -> int | None:
    """How many times as high its input is as its output, where both are single maps and that is a whole number."""
    if not part.input_shapes or not part.output_shapes or len(part.input_shapes + part.output_shapes) != 2:
        return None
    (input_shape,), (output_shape,) = part.input_shapes, part.output_shapes
    if len(input_shape) != 4 or len(output_shape) != 4 or not output_shape[2] or input_shape[2] < output_shape[2]:
        return None
    return -(-input_shape[2] // output_shape[2])


def _channels(part: Part) -> int | None:
    shapes = part.output_shapes
    return shapes[0][1] if shapes and len(shapes) == 1 and len(shapes[0]) == 4 else None
