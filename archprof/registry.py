"""Named things of one kind, each registered once: whoever adds one names it here, and nobody keeps a second list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from archprof.errors import RegistrationError, UsageError, did_you_mean

T = TypeVar("T")

_registrations = 0


def note_registration() -> None:
    """Tell that something was registered; each kind of registry does so, whatever it is built on."""
    global _registrations
    _registrations += 1


def registrations() -> int:
    """How many things were registered in this process so far."""
    return _registrations


class Registry(Mapping[str, T]):
    """Entries by name, in the order in which they were registered.

    Args:
        kind: What one entry is, in a word or two, for messages: "format".
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def register(self, name: str, value: T) -> None:
        """Add an entry.

        Raises:
            RegistrationError: Where the name is taken.
        """
        if name in self._entries:
            raise RegistrationError(f"{self.kind} {name!r} is registered twice")
        self._entries[name] = value
        note_registration()

    def find(self, name: str) -> T:
        """The entry of that name.

        Raises:
            UsageError: Where there is none, with the nearest names.
        """
        if name in self._entries:
            return self._entries[name]
        hint = did_you_mean(name, self._entries) or f"available: {', '.join(self._entries)}"
        raise UsageError(f"unknown {self.kind} {name!r}", hint=hint)

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Forget at the end whatever was registered meanwhile, whether or not an error ends it."""
        before = dict(self._entries)
        try:
            yield
        finally:
            self._entries = before
