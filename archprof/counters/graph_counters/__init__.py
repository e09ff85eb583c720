"""Other tools that count files that are graphs of operations: each is one file, run in a process of its own."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from importlib import metadata
from time import perf_counter
from typing import ClassVar

from archprof.errors import in_one_line
from archprof.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFigure:
    """What a tool gives one node: its name in the file, its operator, and multiply-accumulates."""

    name: str
    operator: str
    macs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphAnswer:
    """What came of running a tool on a file.

    Attributes:
        version: The version of the tool; None where it is not installed.
        macs: Its figure; None where it gave none.
        nodes: The parts of it.
        seconds: How long it took.
        error: Why there is no figure.
    """

    version: str | None
    macs: int | None = None
    nodes: tuple[NodeFigure, ...] = ()
    seconds: float | None = None
    error: str | None = None


class GraphCounter(ABC):
    """A tool that counts a file."""

    name: ClassVar[str]
    distribution: ClassVar[str]
    package: ClassVar[str]
    unit: ClassVar[str] = "MACs"

    @abstractmethod
    def count(self, path: str, shapes: dict[str, tuple[str, tuple[int, ...]]]) -> tuple[int, list[NodeFigure]]:
        """Ask the tool; whatever it raises may pass.

        Args:
            path: The file.
            shapes: The type and the shape of each of its inputs, by name.

        Returns:
            Its figure, in multiply-accumulates, and the parts of it.
        """


GRAPH_COUNTERS: Registry[GraphCounter] = Registry("counter of graphs", __name__, ("onnx_tool", "onnxsim"))
"""Every tool, by name."""


def run(name: str, path: str, shapes: dict[str, tuple[str, tuple[int, ...]]]) -> GraphAnswer:
    """Ask a tool about a file; a failure of its is an answer too."""
    counter = GRAPH_COUNTERS[name]
    try:
        version = metadata.version(counter.distribution)
    except metadata.PackageNotFoundError:
        return GraphAnswer(version=None, error=f"not installed: pip install {counter.distribution}")
    importlib.import_module(counter.package)
    start = perf_counter()
    try:
        macs, nodes = counter.count(path, shapes)
    except Exception as error:  # it raises what it likes
        return GraphAnswer(version=version, error=f"{type(error).__name__}: {in_one_line(error)}")
    return GraphAnswer(version=version, macs=macs, nodes=tuple(nodes), seconds=perf_counter() - start)
