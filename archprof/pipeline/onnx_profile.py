"""An ONNX file -> its profile, without torch and without its weights."""

from __future__ import annotations

import platform
import sys
from collections import Counter
from importlib import metadata
from typing import TYPE_CHECKING, Any

from archprof.count.onnx_operators.ledger import count
from archprof.count.onnx_operators.memory import measure
from archprof.count.onnx_operators.parameters import parameters
from archprof.pipeline.onnx_modules import modules
from archprof.pipeline.onnx_run import trace_file
from archprof.records.profile import Coverage, Environment, Input, Operation, Profile, Totals, Variant
from archprof.trace.onnx_graph.graph import DEFAULT_DOMAIN
from archprof.trace.onnx_graph.inputs import InputSizes
from archprof.trace.onnx_graph.reader import read

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from archprof.count.memory import Memory
    from archprof.count.onnx_operators.ledger import Ledger
    from archprof.trace.onnx_graph.reader import OnnxFile
    from archprof.trace.onnx_graph.record import Tensor, Trace

ORIGIN = "onnx"
_LONGEST_VALUE = 60
_PLAIN = "float32"


def profile_onnx(path: Path, sizes: InputSizes | None = None, *, reference: str | None = None) -> Profile:
    """Count an ONNX file.

    Args:
        path: The file; its weights, in it or beside it, are not read.
        sizes: What is asked for of its inputs.
        reference: What the user typed, where that is not the path.

    Raises:
        OnnxFileError: Where it is no ONNX file, or one that no runtime could run.
        UsageError: Where an axis was not given a size.
        RunError: Where it cannot run at that size.
        LimitError: Where it is larger than what is read.
    """
    file = read(path)
    trace, was_run = trace_file(file, sizes or InputSizes())
    ledger = count(trace)
    memory, weights = measure(ledger), parameters(ledger)
    tree = modules(ledger, memory, weights)
    return Profile(
        variant=_variant(file, reference),
        input=_input(trace.inputs.tensors),
        environment=Environment(
            device="cpu" if was_run else "none",
            python=".".join(str(part) for part in sys.version_info[:3]),
            platform=platform.platform(),
            packages={name: metadata.version(name) for name in ("onnx", *(("onnxruntime",) if was_run else ()))},
            remarks=_remarks(file, trace, ledger),
        ),
        totals=Totals(
            modules=len(tree),
            layers=_leaves(module.path for module in tree),
            parameters=weights.elements,
            trainable_parameters=0,
            macs=ledger.macs,
            flops=2 * ledger.macs,
            elementwise_flops=ledger.elementwise_flops,
            weight_bytes=weights.nbytes,
            activation_elements=memory.activation_elements,
            activation_bytes=memory.activation_bytes,
            peak_activation_bytes=memory.peak_bytes,
            bytes_read=memory.bytes_read,
            bytes_written=memory.bytes_written,
        ),
        coverage=_coverage(ledger),
        modules=tree,
        operations=_operations(ledger, memory),
    )


def _variant(file: OnnxFile, reference: str | None) -> Variant:
    opsets = ", ".join(f"{domain or DEFAULT_DOMAIN} {version}" for domain, version in file.opsets.items())
    settings: dict[str, Any] = {"opset": opsets, "producer": file.producer or "unknown"}
    return Variant(
        name=file.path.stem,
        reference=reference or str(file.path),
        origin=ORIGIN,
        task=file.metadata.get("task"),
        path=str(file.path),
        settings=settings,
    )


def _input(tensors: list[Tensor]) -> Input:
    first = tensors[0] if tensors else None
    shape = first.shape if first is not None and first.shape is not None else ()
    floating = first is not None and first.dtype.startswith(("float", "bfloat"))
    kinds = {(4, True): "image", (2, False): "tokens"}
    return Input(
        shapes=[list(tensor.shape or ()) for tensor in tensors],
        dtype=first.dtype if first is not None else "none",
        batch=shape[0] if shape else 1,
        kind=kinds.get((len(shape), floating), "tensors"),
    )


def _remarks(file: OnnxFile, trace: Trace, ledger: Ledger) -> list[str]:
    remarks = list(trace.remarks)
    for choice in ledger.choices:
        remarks.append(
            f"{choice.operation.node.text} runs one of two branches, which values decide; counted is the larger, of "
            f"{choice.high.macs:,} MACs; the other has {choice.low.macs:,}"
        )
    if trace.inputs.axes:
        remarks.append(f"axes that the file leaves open: {', '.join(trace.inputs.symbols)}")
    else:
        remarks += _contradictions(file, trace)
    foreign = sorted({node.domain for node in file.graph.walk()} - {""})
    if foreign:
        remarks.append(f"operators that are not ONNX's own, of {', '.join(foreign)}")
    missing = [location for location, path in file.external.items() if not path.is_file()]
    if missing:
        remarks.append(f"weights in {', '.join(missing)} are missing; counting needs none")
    if file.metadata:
        remarks.append("the file says: " + ", ".join(f"{key} {_short(value)}" for key, value in file.metadata.items()))
    return remarks


def _contradictions(file: OnnxFile, trace: Trace) -> list[str]:
    """Where the shapes that a file with fixed inputs writes down are not those that it runs with."""
    written = {
        info.name: tuple(dim.dim_value for dim in info.type.tensor_type.shape.dim)
        for info in (*file.graph.proto.value_info, *file.graph.proto.output)
        if info.type.tensor_type.HasField("shape")
        and all(dim.HasField("dim_value") for dim in info.type.tensor_type.shape.dim)
    }
    wrong = [
        f"{tensor.name!r} is {_times(tensor.shape)}, not {_times(shape)}"
        for operation in trace.operations
        for tensor in operation.made
        if tensor.shape is not None and (shape := written.get(tensor.name, tensor.shape)) != tensor.shape
    ]
    if not wrong:
        return []
    return [f"the file has {len(wrong)} wrong shape{'s' if len(wrong) > 1 else ''} written down: {wrong[0]}"]


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "a scalar"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_VALUE else f"{line[: _LONGEST_VALUE - 1]}…"


def _coverage(ledger: Ledger) -> Coverage:
    states = ledger.states()
    return Coverage(operations=states.total(), counted=states["counted"], free=states["free"], unknown=ledger.unknown)


def _leaves(paths: Iterable[str]) -> int:
    """How many of the modules have no other in them."""
    names = set(paths)
    parents = {path.rpartition(".")[0] for path in names if path}
    return len(names - parents)


def _operations(ledger: Ledger, memory: Memory) -> list[Operation]:
    """One entry an operator and precision, the most expensive first."""
    calls: Counter[tuple[str, str]] = Counter()
    sums: dict[tuple[str, str], list[int]] = {}
    for entry, moved in zip(ledger.entries, memory.traffic, strict=True):
        name = entry.operation.name
        if entry.count.macs and entry.precision != _PLAIN:
            name = f"{name} ({entry.precision})"
        key = name, entry.state
        calls[key] += entry.operation.repeats
        total = sums.setdefault(key, [0, 0, 0, 0])
        for index, value in enumerate((*entry.count, *moved)):
            total[index] += value
    order = sorted(calls, key=lambda key: (-sums[key][0], -sums[key][1], key))
    return [
        Operation(
            name=name,
            state=state,
            calls=calls[name, state],
            macs=sums[name, state][0],
            elementwise_flops=sums[name, state][1],
            bytes_read=sums[name, state][2],
            bytes_written=sums[name, state][3],
        )
        for name, state in order
    ]
