"""Results -> text, in two steps: a file for each record makes a `Report` of it, a file for each format renders any.

Nothing here opens a file, asks a terminal, or imports torch.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What of a result the reader wants to see.

    Attributes:
        detail: The table under the totals: "rows", "modules", "ops" or "none"; of a comparison "changes", "all" or
            "none".
        depth: How deep the tree of modules goes; the model itself is 0.
        sort: The column to sort by; None keeps the order of the model.
        top: How many rows to show; what is cut is summed up in one more.
        columns: What to show of each model in a table of one row a model; empty for the usual table.
    """

    detail: str = "rows"
    depth: int = 3
    sort: str | None = None
    top: int | None = None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What text is fitted to.

    Attributes:
        width: Terminal cells in a line.
        color: Whether ANSI styles are wanted.
        cut: Whether what is wider than a line is cut; sentences are broken between words in any case.
    """

    width: int = 120
    color: bool = False
    cut: bool = True
