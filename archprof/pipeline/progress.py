"""Who is told what the pipeline does; nobody, unless a caller says so."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    Watch = Callable[[str, float], None]


class Progress(Protocol):
    """Is told what is being done."""

    def working(self, what: str) -> AbstractContextManager[None]:
        """Say what is being done, for as long as the context lasts."""

    def progressing(self) -> AbstractContextManager[Watch]:
        """Show how far a measurement is: the context gives a function of a text and a share from 0 to 1."""


class Silent:
    """Tells nobody."""

    def working(self, what: str) -> AbstractContextManager[None]:
        """Do nothing."""
        return nullcontext()

    def progressing(self) -> AbstractContextManager[Watch]:
        """Do nothing."""
        return nullcontext(lambda what, share: None)


SILENT = Silent()
