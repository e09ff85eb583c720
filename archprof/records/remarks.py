"""What remarks of a profile say, where more than one part of archprof says it. No torch here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.units import count

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAMED = 3
"""How many parameters are named."""


def unread_parameters(unread: int, names: Sequence[str], total: int) -> tuple[str, ...]:
    """What to say of parameters that no operation read; nothing where there are none.

    Args:
        unread: How many they are.
        names: Their names, a module's where all of its own are among them.
        total: How many parameters there are.
    """
    if not unread:
        return ()
    named = ", ".join(names[:_NAMED]) + (f" and {count(len(names) - _NAMED)} more" if len(names) > _NAMED else "")
    return (f"{count(unread)} of {count(total)} parameters are read by no operation of this pass: {named}",)


def advanced_generators(names: Sequence[str]) -> tuple[str, ...]:
    """What to say of generators that a model holds and that its pass has advanced; nothing where there are none."""
    return tuple(
        f"the pass has advanced {name}, a generator, which cannot go back: the model's next call takes the item after"
        for name in names
    )
