"""A top-level key that is nearly one that changes what is built, as ``scale:`` for ``scales:``.

Nothing would read it, here or in Ultralytics, and the network would be another than was meant, up to twenty times as
large. So it is an error where the key that it resembles is missing and its value would suit that key. Other keys are
notes of the file's own.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from archprof.errors import VariantError
from archprof.sources.settings import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from pathlib import Path

    from archprof.sources.spec import Sheet

NEAR = 0.75
"""How alike, as difflib has it, two keys are of which one may be meant for the other: haed and head are 0.75."""

SUITS: Mapping[str, Callable[[Any], bool]] = {
    **{key: test for key, (test, _) in KINDS.items()},
    "scales": lambda value: isinstance(value, dict) and bool(value),
    "backbone": lambda value: isinstance(value, list),
    "head": lambda value: isinstance(value, list),
    "task": lambda value: isinstance(value, str),
}
"""The keys that change what is built: whether a value could be theirs."""


def near(key: str, missing: Iterable[str]) -> str | None:
    """The missing key that another was probably meant for: of the same letters, or nearly so; case does not count."""
    by_lower = {name.lower(): name for name in sorted(missing)}
    matches = difflib.get_close_matches(key.lower(), by_lower, 1, NEAR)
    same_letters = [name for name in by_lower if sorted(name) == sorted(key.lower())]
    return next((by_lower[name] for name in (*same_letters, *matches)), None)


def mistaken(values: Mapping[str, Any], present: Collection[str]) -> tuple[str, str] | None:
    """The first key that is a mistake, and the key that was meant.

    Args:
        values: The top-level values by key.
        present: Every top-level key.
    """
    missing = SUITS.keys() - present
    for key, value in values.items():
        meant = near(key, missing) if key not in SUITS else None
        if meant is not None and SUITS[meant](value):
            return key, meant
    return None


def check(sheet: Sheet, path: Path) -> None:
    """See to it that no key of a file is such a mistake.

    Raises:
        VariantError: Where one is, with its line.
    """
    texts = {argument for row in sheet.rows for argument in row.arguments if isinstance(argument, str)}
    values = {key: value for key, value in sheet.values.items() if key not in texts}
    if pair := mistaken(values, {*sheet.values, *sheet.value_lines}):
        key, meant = pair
        raise VariantError(
            f"nothing reads {key!r}; did you mean {meant}?",
            path=path,
            line=sheet.value_lines.get(key),
            hint=f"write {meant}:, or call it otherwise if it is a note of your own",
        )
