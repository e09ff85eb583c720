"""Which convolutions of a file ONNX Runtime runs on integers, by the file that it makes of it before it runs.

It is a program of its own: it reads a path from its input and prints the numbers, and a runtime that dies takes nothing
with it. The rewritten file lies in a temporary folder while it is counted.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import onnx

from archprof.errors import in_one_line

if TYPE_CHECKING:
    from collections.abc import Iterator


def count(path: Path) -> dict[str, int]:
    """How many convolutions there are on integers and in all, after the optimisations that ONNX Runtime does unasked.

    Args:
        path: The file; its weights must be there.
    """
    import onnxruntime

    with tempfile.TemporaryDirectory(prefix="archprof-") as folder:
        target = Path(folder, "optimised.onnx")
        options = onnxruntime.SessionOptions()
        options.optimized_model_filepath = str(target)
        options.log_severity_level = 4
        onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        types = list(_convolutions(onnx.load(target, load_external_data=False).graph))
    return {"integer": sum("QLinear" in type_ or "Integer" in type_ for type_ in types), "all": len(types)}


def _convolutions(graph: onnx.GraphProto) -> Iterator[str]:
    """The types of the graph's convolutions, and of those in its branches and loops."""
    for node in graph.node:
        if "Conv" in node.op_type and "Convert" not in node.op_type:
            yield node.op_type
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _convolutions(inner)


def main() -> None:
    """Read a path and print ``{"integer": …, "all": …}``, or ``{"error": …}``."""
    path = Path(sys.stdin.read())
    try:
        answer: dict[str, object] = dict(count(path))
    except Exception as error:  # ONNX Runtime raises a class of its own for each kind of failure
        answer = {"error": in_one_line(error)}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
