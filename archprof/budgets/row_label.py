"""Rows as they are written in a line, and read back from one: what a lock file and a check say of them."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

from archprof.compare.parts import rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.records.comparison import Part
    from archprof.records.profile import Profile

_LABEL = re.compile(
    r"(?P<module>\S+) (?P<arguments>\[.*?\])(?: ×(?P<repeats>\d+))?(?: from (?P<sources>\[[-\d, ]+\]))?"
)


def format_row(sources: Sequence[int], repeats: int, module: str, arguments: Sequence[Any]) -> str:
    """A row as it is written: ``Conv [64, 3, 2]``, ``C2f [128, True] ×2``, ``Concat [1] from [-1, 6]``."""
    times = f" ×{repeats}" if repeats != 1 else ""
    origin = f" from {list(sources)}" if list(sources) != [-1] else ""
    return f"{module} {list(arguments)}{times}{origin}"


def labels_of(profile: Profile) -> list[str]:
    """The rows of a profile as they are written; none for what has no rows."""
    return [format_row(part.from_, part.repeats, part.module, part.arguments) for part in rows_of(profile)]


def parse_rows(labels: Sequence[str]) -> list[Part]:
    """The rows that labels say, with the labels as their paths. No shapes and no figures are known of them."""
    return [_part(index, text) for index, text in enumerate(labels)]


def _part(index: int, text: str) -> Part:
    from archprof.records.comparison import COUNTS, Part  # not before something has changed

    match = _LABEL.fullmatch(text)
    try:
        arguments = ast.literal_eval(match["arguments"]) if match else []
    except (ValueError, SyntaxError, MemoryError, RecursionError):  # a number that Python writes and does not read: inf
        match, arguments = None, []
    return Part(
        index=index,
        path=text,
        module=match["module"] if match else text,
        from_=ast.literal_eval((match and match["sources"]) or "[-1]"),
        repeats=int((match and match["repeats"]) or 1),
        arguments=arguments,
        input_shapes=None,
        output_shapes=None,
        **dict.fromkeys(COUNTS),
    )
