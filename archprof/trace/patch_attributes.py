"""Attributes of classes and modules held at a value for a while."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ABSENT = object()


@contextmanager
def hold(values: Mapping[tuple[Any, str], Any]) -> Iterator[None]:
    """Set attributes, and put back what was there, whatever happens in between.

    Args:
        values: (class or module, name of the attribute) -> its value meanwhile. An attribute that a class only
            inherits is taken off it again afterwards.
    """
    before = {(owner, name): vars(owner).get(name, _ABSENT) for owner, name in values}
    try:
        for (owner, name), value in values.items():
            setattr(owner, name, value)
        yield
    finally:
        for (owner, name), value in before.items():
            if value is not _ABSENT:
                setattr(owner, name, value)
            elif name in vars(owner):
                delattr(owner, name)
