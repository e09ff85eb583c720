"""The families that a project gives its YAMLs: whose blocks the names in their rows mean."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from archprof.sources.path_patterns import matches

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Families(msgspec.Struct, frozen=True):
    """What a project says.

    Attributes:
        root: The folder that the patterns go by.
        by_pattern: Pattern -> family; the first that matches holds.
    """

    root: Path = Path()
    by_pattern: Mapping[str, str] = {}

    def of(self, file: Path) -> str | None:
        """The family of a file; None where the project gives it none."""
        return next((family for pattern, family in self.by_pattern.items() if matches(file, pattern, self.root)), None)


_of_project: ContextVar[Families] = ContextVar("families of the project", default=Families())  # noqa: B039 - frozen


def family_of(file: Path) -> str | None:
    """The family that the project gives a file; None where it gives it none."""
    return _of_project.get().of(file)


@contextmanager
def assigned(families: Families) -> Iterator[None]:
    """While it holds, files have the families that a project gives them."""
    token = _of_project.set(families)
    try:
        yield
    finally:
        _of_project.reset(token)
