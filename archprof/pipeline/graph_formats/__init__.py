"""Files that are graphs or weights alone: each format is counted by the file of its name, without torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from archprof.errors import ArchprofError, LimitError
from archprof.registry import Registry

if TYPE_CHECKING:
    from archprof.pipeline.request import Request
    from archprof.records.profile import Profile

CountGraph = Callable[["Request"], "Profile"]
"""Counts the file of a request."""

GRAPH_FORMATS: Registry[CountGraph] = Registry("format of graphs", __name__, ("onnx", "pt2", "weights"))
"""A spec's ``graph_format`` -> what counts such a file."""


def count(request: Request) -> tuple[Profile | ArchprofError, dict[str, str] | None]:
    """The profile of a file that is a graph, or what was wrong; no code but archprof's and installed packages' ran."""
    try:
        return GRAPH_FORMATS[request.spec.graph_format or ""](request), {}
    except ArchprofError as error:
        return error, None
    except (MemoryError, RecursionError):
        return LimitError("the graph takes more memory than there is", path=request.spec.path), None
