"""Runs a file once in ONNX Runtime, for the shapes that depend on values: found boxes, trips of loops.

Nothing is optimised, so that every node of the file runs under a name of its own, and the runtime's own profile has the
shapes of what each run of it gave. Run as a program of its own, it reads what to do from its input and prints the
answer: a runtime that dies takes nothing with it.
"""

from __future__ import annotations

import base64
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from archprof.errors import RunError, in_one_line
from archprof.trace.onnx_graph.external import external_files
from archprof.trace.onnx_graph.functions import inline_functions
from archprof.trace.onnx_graph.real_run import RealRun, real_run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archprof.trace.onnx_graph.inputs import SizedInputs
    from archprof.trace.onnx_graph.record import Shape

_FOLDER_OPTION = "session.model_external_initializers_file_folder_path"
_TIMED = "_kernel_time"


Described = tuple[str, list[int], "str | None"]
"""The type and the shape of an input, and its bytes in base 64 where they were asked for."""


def run(path: Path, inputs: dict[str, Described]) -> RealRun:
    """What one run does.

    Args:
        path: The file; its weights must be there.
        inputs: Each input. Where its values were not asked for, floating-point ones are random in [0, 1) and the same
            every time, whole numbers are 1.

    Raises:
        RunError: Where ONNX Runtime cannot run it.
    """
    import onnxruntime

    model = inline_functions(onnx.load(path, load_external_data=False), path)
    _name_nodes(model.graph.node, "")
    # The runtime does not look into files of weights for shapes and axes.
    external_files(_tensors(model.graph), path)
    with tempfile.TemporaryDirectory(prefix="archprof-") as folder:
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder, "run"))
        options.log_severity_level = 4
        options.add_session_config_entry(_FOLDER_OPTION, str(path.parent.resolve()))
        generator = np.random.default_rng(0)
        try:
            session = onnxruntime.InferenceSession(
                model.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
            session.run(None, {name: _values(*given, generator) for name, given in inputs.items()})
        except Exception as error:  # it raises a class of its own for each kind of failure
            raise RunError(f"ONNX Runtime cannot run it: {in_one_line(error)}", path=path) from None
        return real_run(_ended(json.loads(Path(session.end_profiling()).read_bytes())))


def describe(inputs: SizedInputs) -> dict[str, Described]:
    """The inputs as :func:`run` takes them."""
    values = {name: base64.b64encode(value.tobytes()).decode() for name, value in inputs.values.items()}
    return {tensor.name: (tensor.dtype, list(tensor.sizes), values.get(tensor.name)) for tensor in inputs.tensors}


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """The tensors of a graph, and of those within it."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from _tensors(attribute.g)
            elif attribute.type == onnx.AttributeProto.TENSOR:
                yield attribute.t


def _name_nodes(nodes: Iterable[onnx.NodeProto], prefix: str) -> None:
    """Give every node its key for a name, as :func:`archprof.trace.onnx_graph.graph_reader.GraphReader` makes it."""
    for index, node in enumerate(nodes):
        node.name = f"{prefix}{index}"
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                _name_nodes(attribute.g.node, f"{node.name}.{attribute.name}.")


def _values(dtype: str, shape: list[int], given: str | None, generator: np.random.Generator) -> Any:
    if dtype == "string":
        return np.full(shape, "", dtype=object)
    kind = np.dtype(dtype)
    if given is not None:
        return np.frombuffer(base64.b64decode(given), kind).reshape(shape)
    if kind.kind == "f":
        return generator.random(shape, dtype=np.float32).astype(kind)
    return np.ones(shape, dtype=kind)


def _ended(events: list[dict[str, Any]]) -> Iterator[tuple[str, list[Shape | None]]]:
    """The nodes that ran, by their keys, with the shapes of what they gave."""
    for event in events:
        name = event.get("name", "")
        if event.get("cat") == "Node" and name.endswith(_TIMED):
            made = event["args"].get("output_type_shape", ())
            yield name.removesuffix(_TIMED), [tuple(shape) for entry in made for shape in entry.values()]


def main() -> None:
    """Read ``{"path": …, "inputs": …}`` and print ``{"ran": …}``, or ``{"error": …}``."""
    request = json.load(sys.stdin)
    inputs = {name: (dtype, shape, given) for name, (dtype, shape, given) in request["inputs"].items()}
    try:
        answer: dict[str, Any] = {"ran": vars(run(Path(request["path"]), inputs))}
    except RunError as error:
        answer = {"error": error.message}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
