"""Top-level keys of a YAML that nothing reads, and that are nearly those of something: typing errors without an error.

Files carry notes under keys of their own, so a key that nobody knows is no mistake by itself.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archprof.sources.spec import VariantSpec

READ_ALWAYS = frozenset(
    {"nc", "scales", "activation", "reg_max", "end2end", "kpt_shape", "channels", "depth_multiple", "width_multiple"}
    | {"inplace", "task", "family", "sequence", "text_model"}
)
"""Keys that are read whatever the rows are."""

NEAR = 0.8
"""How alike, as difflib has it, two keys are of which one may be meant for the other: rooter and router are 0.83."""


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


def remarks(spec: VariantSpec, asked: set[str]) -> tuple[str, ...]:
    """What to say of the keys of a variant.

    Args:
        spec: The variant.
        asked: The keys that its rows' rules asked for.
    """
    written = {argument for row in spec.rows for argument in row.arguments if isinstance(argument, str)}
    present = spec.values.keys() | spec.value_lines.keys()
    missing = (READ_ALWAYS | asked) - present
    notes = []
    for key in spec.values:
        if key in READ_ALWAYS or key in asked or key in written:
            continue
        if near := difflib.get_close_matches(key, sorted(missing), 1, NEAR):
            place = f"{spec.path}:{spec.value_lines[key]}" if key in spec.value_lines else spec.reference
            notes.append(f"{place}: nothing reads {key!r}; did you mean {near[0]}?")
    return tuple(notes)
