"""Results -> text. Nothing here opens a file, asks a terminal, or imports torch; each result has its file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How the reader wants it.

    Attributes:
        detail: The table under the totals: "rows", "modules", "ops" or "none".
        depth: How deep the tree of modules goes; the model itself is 0.
        sort: The column to sort by; None keeps the order of the model.
        top: How many lines to show; what is cut is summed up in one more.
        width: Terminal cells in a line.
        color: Whether ANSI styles are wanted.
    """

    detail: str = "rows"
    depth: int = 3
    sort: str | None = None
    top: int | None = None
    width: int = 120
    color: bool = False
