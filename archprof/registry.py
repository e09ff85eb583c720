"""Named things of one kind, each registered once: whoever adds one names it here, and nobody keeps a second list."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, TypeVar
from weakref import WeakSet

from archprof.errors import RegistrationError, UsageError, did_you_mean

T = TypeVar("T")

_registries: WeakSet[Registry[Any]] = WeakSet()
_registrations = 0
_deferred: list[Callable[[], None]] = []


def note_registration() -> None:
    """Tell that something was registered; each kind of registry does so, whatever it is built on."""
    global _registrations
    _registrations += 1


def registrations() -> int:
    """How many things were registered in this process so far, besides those of archprof's own files."""
    return _registrations


class Registry(Mapping[str, T]):
    """Entries by name: those of a package's files, in the order of its list, and then what else was registered.

    Args:
        kind: What one entry is, in a word or two, for messages: "format".
        package: The package whose files have entries.
        files: Its files. Each registers one entry under the file's own name, and is imported when that is asked for.
    """

    def __init__(self, kind: str, package: str = "", files: Sequence[str] = ()) -> None:
        self.kind = kind
        self._files = {name: f"{package}.{name}" for name in files}
        self._entries: dict[str, T] = {}
        self._own = {*files}
        self._loading_own = False
        _registries.add(self)

    def __hash__(self) -> int:
        return id(self)

    def __getitem__(self, name: str) -> T:
        if name not in self._entries and name in self._files:
            import_module(self._files[name])
            if name not in self._entries:
                raise RegistrationError(f"{self._files[name]} registers no {self.kind} {name!r}")
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self._files or name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter({**self._files, **self._entries})

    def __len__(self) -> int:
        return len({*self._files, *self._entries})

    def register(self, name: str, value: T) -> None:
        """Add an entry.

        Raises:
            RegistrationError: Where the name is taken.
        """
        if name in self._entries or (name in self._files and self._files[name] not in sys.modules):
            raise RegistrationError(f"{self.kind} {name!r} is registered twice")
        self._entries[name] = value
        if self._loading_own:
            self._own.add(name)
        elif name not in self._own:
            note_registration()

    def find(self, name: str) -> T:
        """The entry of that name.

        Raises:
            UsageError: Where there is none, with the nearest names.
        """
        self.check(name)
        return self[name]

    def check(self, name: str) -> None:
        """Refuse a name that nothing has, without importing what has it.

        Raises:
            UsageError: Where there is none, with the nearest names.
        """
        if not (name in self or (load_deferred() and name in self)):
            hint = did_you_mean(name, self) or f"available: {', '.join(self)}"
            raise UsageError(f"unknown {self.kind} {name!r}", hint=hint)

    def registered(self) -> list[T]:
        """The entries that need no further import: of a package's files those that somebody has asked for."""
        return [*self._entries.values()]

    @contextmanager
    def own(self) -> Iterator[None]:
        """What is registered while it holds is archprof's own: no scope forgets it, since it is imported only once."""
        self._loading_own = True
        try:
            yield
        finally:
            self._loading_own = False

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Forget at the end whatever was registered meanwhile, whether or not an error ends it."""
        before = set(self._entries)
        try:
            yield
        finally:
            self.forget_except(before)

    def forget_except(self, names: Collection[str]) -> None:
        """Forget whatever has none of these names and is not archprof's own."""
        self._entries = {name: value for name, value in self._entries.items() if name in names or name in self._own}


@contextmanager
def undone_on_error() -> Iterator[None]:
    """Forget what was registered meanwhile, whatever its kind, if anything is raised.

    So a second try meets no half of it.
    """
    before = {registry: set(registry._entries) for registry in _registries}
    try:
        yield
    except BaseException:
        for registry in _registries:
            registry.forget_except(before.get(registry, ()))
        raise


@contextmanager
def deferred(load: Callable[[], None]) -> Iterator[None]:
    """While it holds, ``load`` is called once if a registry is asked for a name that it does not have.

    So what takes long to load, as plugins do, is loaded early only for somebody who needs it early.
    """
    _deferred.append(load)
    try:
        yield
    finally:
        if load in _deferred:
            _deferred.remove(load)


def load_deferred() -> bool:
    """Load what was deferred.

    Returns:
        Whether there was anything, so that it makes sense to look again.
    """
    loads = list(_deferred)
    _deferred.clear()
    for load in loads:
        load()
    return bool(loads)
