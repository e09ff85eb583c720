"""Typing errors of a YAML that are no error: nearly the key of something, or nearly True, False or None.

Files carry notes under keys of their own, so a key that nobody knows is no mistake by itself; those that are one in
every file are refused when it is read (:mod:`archprof.sources.near_keys`). What is no literal in a
row is a text, for Ultralytics as here, and a text counts as true.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from archprof.sources import near_keys
from archprof.sources.settings import DYNAMIC_CONVOLUTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archprof.sources.spec import VariantSpec

READ_ALWAYS = frozenset(
    {"nc", "scales", "activation", "reg_max", "end2end", "kpt_shape", "channels", "depth_multiple", "width_multiple"}
    | {"inplace", "task", "family", "sequence", "text_model", DYNAMIC_CONVOLUTIONS}
)
"""Keys that are read whatever the rows are."""

LITERALS = ("True", "False", "None")

NEAR_LITERAL = 0.75
"""The same for an argument and a literal: Ture and True are 0.75."""


class AskedFor(Mapping[str, Any]):
    """Values that remember which of them were asked for, whether or not they are there."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self.keys_asked: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self.keys_asked.add(key)
        return self._values[key]

    def __contains__(self, key: object) -> bool:
        self.keys_asked.add(str(key))
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def remarks(spec: VariantSpec, read: set[str]) -> tuple[str, ...]:
    """What to say of the keys of a variant.

    Args:
        spec: The variant.
        read: The keys that its rows' rules asked for.
    """
    in_arguments = {argument for row in spec.rows for argument in row.arguments if isinstance(argument, str)}
    present = spec.values.keys() | spec.value_lines.keys()
    missing = (READ_ALWAYS | read) - present
    notes = []
    for key in spec.values:
        if key in READ_ALWAYS or key in read or key in in_arguments:
            continue
        if near := near_keys.near(key, missing):
            location = f"{spec.path}:{spec.value_lines[key]}" if key in spec.value_lines else spec.reference
            notes.append(f"{location}: nothing reads {key!r}; did you mean {near}?")
    return (*notes, *_literals(spec))


def _literals(spec: VariantSpec) -> Iterator[str]:
    for row in spec.rows:
        for argument in row.arguments:
            if not isinstance(argument, str) or argument in LITERALS or argument in spec.values:
                continue
            if near := difflib.get_close_matches(argument, LITERALS, 1, NEAR_LITERAL):
                yield f"{spec.path}:{row.line}: row {row.index} takes {argument!r} as a text; did you mean {near[0]}?"
