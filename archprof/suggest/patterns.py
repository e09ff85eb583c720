"""What ``--only`` and ``--never`` let through: of convolutions, and of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from archprof.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

NAMED = 4
"""How many names a message has where nothing is near."""

HEAD = "head"
"""What a pattern may be besides a path: the last row."""

Key = TypeVar("Key")


class NoMatchError(UsageError):
    """A pattern that matches nothing."""


def permitted(
    names: Mapping[Key, str],
    matching: Callable[[str], set[Key]],
    only: Sequence[str],
    never: Sequence[str],
    noun: str,
    forms: str,
) -> set[Key]:
    """What patterns let through; all where there are none.

    Args:
        names: What there is, each with its name in messages.
        matching: Gives what a pattern matches.
        only: Patterns of what may be taken.
        never: Patterns of what may not.
        noun: What these things are called, for messages.
        forms: What a pattern may be, for messages.

    Raises:
        NoMatchError: Where a pattern matches nothing.
    """
    for option, patterns in (("--only", only), ("--never", never)):
        for pattern in patterns:
            if not matching(pattern):
                examples = ", ".join(list(names.values())[:NAMED])
                hint = did_you_mean(pattern, names.values()) or (f"{forms}: {examples} ..." if names else None)
                raise NoMatchError(f"{option} {pattern!r} matches none of the {len(names)} {noun}", hint=hint)
    allowed = set().union(*map(matching, only)) if only else set(names)
    return allowed - set().union(*map(matching, never))
