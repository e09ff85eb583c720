"""How an ONNX file's shapes are found: from its graph, and where values decide from a run in a process of its own."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from archprof.errors import RunError
from archprof.pipeline.graph_formats.isolated import how_it_ended, run_module
from archprof.trace.onnx_graph.follow import follow
from archprof.trace.onnx_graph.inputs import doubled, size_inputs
from archprof.trace.onnx_graph.real_run import RealRun
from archprof.trace.onnx_graph.runtime import describe
from archprof.trace.onnx_graph.runtime_operators import MICROSOFT
from archprof.trace.onnx_graph.shapes import ShapeRules

if TYPE_CHECKING:
    from archprof.sources.input_axes import InputSizes
    from archprof.trace.onnx_graph.inputs import SizedInputs
    from archprof.trace.onnx_graph.reader import OnnxFile
    from archprof.trace.onnx_graph.record import Operation, Trace

SECONDS = 60
"""A run that takes longer is given up."""


def trace_file(file: OnnxFile, sizes: InputSizes) -> tuple[Trace, bool]:
    """What a file runs at some size.

    Args:
        file: The file.
        sizes: What is asked for of its inputs.

    Returns:
        The trace, with remarks on how its shapes were found, and whether it was run for them.

    Raises:
        UsageError: Where an axis was not given a size.
        RunError: Where it cannot run at that size.
        LimitError: Where its loops run too long to be followed.
    """
    inputs = size_inputs(file.graph.inputs, sizes, file.path)
    trace = follow(file, inputs)
    open_operation = trace.unresolved()
    if open_operation is not None and not _is_known(open_operation, trace):
        trace.remarks.append(
            f"nothing is known of the operator {open_operation.name}: what depends on its results has no shapes"
        )
        return trace, False
    if open_operation is not None:
        try:
            trace = follow(file, inputs, _run(file, inputs))
        except RunError as error:
            if failures := trace.failures():
                raise _cannot_run(file, inputs, failures[0]) from None
            trace.remarks.append(
                f"what {open_operation.node.text} gives depends on values, and it was not run: {error.message}"
            )
            return trace, False
        random = [tensor for tensor in inputs.tensors if tensor.name not in inputs.values]
        whole = any(not tensor.dtype.startswith("float") for tensor in random)
        values = (
            "random values, and 1 for whole numbers" if whole else "random values" if random else "the given values"
        )
        trace.remarks.append(
            f"run once in ONNX Runtime with {values}: what {open_operation.node.text} gives depends on them"
        )
    trace.remarks += _remarks_on_axes(file, inputs)
    return trace, open_operation is not None


def _is_known(operation: Operation, trace: Trace) -> bool:
    """Whether ONNX Runtime may know an operator: those of its own domains, and what onnx itself has."""
    domain = operation.node.domain
    rules = ShapeRules(trace.file.opsets, trace.file.ir_version)
    return domain.startswith(MICROSOFT) or rules.schema(domain, operation.node.type) is not None


def _run(file: OnnxFile, inputs: SizedInputs) -> RealRun:
    """What a real run does.

    Raises:
        RunError: Where weights are missing, or ONNX Runtime cannot run it.
    """
    for location, path in file.external.items():
        if not path.is_file():
            raise RunError(f"its weights in {location!r} are missing", path=file.path)
    if any(tensor.shape is None for tensor in inputs.tensors):
        raise RunError("an input of it is no tensor", path=file.path)
    request = json.dumps({"path": str(file.path), "inputs": describe(inputs)}).encode()
    try:
        process = run_module("archprof.trace.onnx_graph.runtime", request, SECONDS)
    except subprocess.TimeoutExpired:
        raise RunError(f"a run takes longer than {SECONDS} s", path=file.path) from None
    if process.returncode:
        raise RunError(f"the process that ran it {how_it_ended(process)}", path=file.path)
    answer = json.loads(process.stdout)
    if "error" in answer:
        raise RunError(answer["error"], path=file.path)
    shapes = {
        key: [[None if shape is None else tuple(shape) for shape in made] for made in runs]
        for key, runs in answer["ran"]["shapes"].items()
    }
    return RealRun(shapes, answer["ran"]["within"])


def _cannot_run(file: OnnxFile, inputs: SizedInputs, operation: Operation) -> RunError:
    shapes = " and ".join(
        "×".join(map(str, tensor.shape)) or "a scalar" for tensor in operation.read if tensor.shape is not None
    )
    on_shapes = f" on {shapes}" if shapes else ""
    hint = None
    if inputs.axes:
        names = ", ".join(inputs.symbols)
        hint = f"the file leaves {names} open, but may hold constants for the size that it was exported at"
    return RunError(f"{operation.node.text} cannot run{on_shapes}: {operation.failure}", path=file.path, hint=hint)


def _remarks_on_axes(file: OnnxFile, inputs: SizedInputs) -> list[str]:
    """Which of the axes that the file leaves open are not: at twice their size, something in it cannot run."""
    remarks = []
    # Of an input without a shape it is not said which axes are open.
    shaped = {info.name for info in file.graph.inputs if info.type.tensor_type.HasField("shape")}
    open_axes = [axis for axis in inputs.axes if axis[0] in shaped]
    batch = [axis for axis in open_axes if axis in inputs.batch_axes]
    for axes in (batch, [axis for axis in open_axes if axis not in inputs.batch_axes]):
        if not axes:
            continue
        failures = follow(file, doubled(inputs, axes)).failures()
        if failures:
            names = ", ".join(dict.fromkeys(inputs.axes[axis] or f"{axis[0]}[{axis[1]}]" for axis in axes))
            remarks.append(
                f"the file leaves {names} open and fits sizes near this one only: at twice the size "
                f"{failures[0].node.text} cannot run ({failures[0].failure})"
            )
    return remarks
