"""An ONNX file -> its profile, without torch and without its weights."""

from __future__ import annotations

import platform
import sys
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING

from archprof.count.onnx_operators.ledger import count
from archprof.count.onnx_operators.memory import measure
from archprof.count.onnx_operators.parameters import parameters
from archprof.pipeline.graph_formats import GRAPH_FORMATS
from archprof.pipeline.graph_formats.onnx_conventions import reports
from archprof.pipeline.graph_formats.onnx_integers import integer_remarks
from archprof.pipeline.graph_formats.onnx_modules import module_paths, modules
from archprof.pipeline.graph_formats.onnx_remarks import remarks
from archprof.pipeline.graph_formats.onnx_run import trace_file
from archprof.pipeline.graph_formats.options import MEMORYLESS, RUN, refuse, sizes_of
from archprof.pipeline.operation_sums import operation_sums
from archprof.records.conventions import DEFAULT
from archprof.records.profile import Coverage, Environment, Input, ModelFile, Profile, Totals, Variant
from archprof.trace.onnx_graph.graph import DEFAULT_DOMAIN
from archprof.trace.onnx_graph.reader import read

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archprof.count.memory import Memory
    from archprof.count.onnx_operators.ledger import Ledger
    from archprof.count.onnx_operators.parameters import Parameters
    from archprof.pipeline.request import Request
    from archprof.records.profile import Module, Operation
    from archprof.trace.onnx_graph.reader import OnnxFile
    from archprof.trace.onnx_graph.record import Tensor, Trace

LONGEST = 4096
"""Of a longer text that a file says of itself the beginning is kept."""


def profile(request: Request) -> Profile:
    """Count an ONNX file; its weights, in it or beside it, are not read.

    Raises:
        OnnxFileError: Where it is no ONNX file, or one that no runtime could run.
        UsageError: Where an axis was not given a size, or something is asked for that only a module has.
        RunError: Where it cannot run at that size.
        LimitError: Where it is larger than what is read.
    """
    spec, options = request.spec, request.build
    refuse(spec.reference, options, "an ONNX file")
    assert spec.path is not None
    file = read(spec.path)
    trace, was_run = trace_file(file, sizes_of(options))
    ledger = count(trace)
    memory, weights = measure(ledger), parameters(ledger)
    paths = module_paths(ledger)
    tree = modules(ledger, paths, memory, weights)
    reported, absent = reports(request.conventions, ledger, paths)
    details = request.level == "full"
    return Profile(
        variant=Variant(
            name=spec.name,
            reference=spec.reference,
            origin=spec.origin,
            task=file.metadata.get("task"),
            path=str(spec.path),
            fused=_is_folded(trace),
        ),
        file=_file(file, trace),
        input=_input(trace.inputs.tensors),
        environment=Environment(
            device=RUN if was_run else MEMORYLESS,
            python=".".join(str(part) for part in sys.version_info[:3]),
            platform=platform.platform(),
            packages={name: _version(name) for name in ("onnx", *(("onnxruntime",) if was_run else ()))},
            remarks=[*remarks(file, trace, ledger), *integer_remarks(file, ledger), *absent],
        ),
        totals=_totals(ledger, memory, weights, tree),
        coverage=_coverage(ledger),
        modules=tree if details else [],
        operations=_operations(ledger, memory) if details else [],
        conventions=[name for name in dict.fromkeys(request.conventions) if name != DEFAULT],
        reported=reported,
    )


@cache
def _version(package: str) -> str:
    """The version of an installed package, for which its metadata is parsed as a whole."""
    return metadata.version(package)


def _is_folded(trace: Trace) -> bool:
    """Whether it has convolutions and no normalisation that could have been folded into one."""
    types = {operation.node.type for operation in trace.operations}
    return "BatchNormalization" not in types and any("Conv" in type_ for type_ in types)


def _file(file: OnnxFile, trace: Trace) -> ModelFile:
    return ModelFile(
        format="onnx",
        format_version=file.ir_version,
        opsets={domain or DEFAULT_DOMAIN: version for domain, version in file.opsets.items()},
        producer=file.producer or None,
        metadata={key: text[:LONGEST] for key, text in file.metadata.items()},
        open_axes=trace.inputs.symbols,
        weight_files=list(file.external),
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


def _totals(ledger: Ledger, memory: Memory, weights: Parameters, tree: list[Module]) -> Totals:
    return Totals(
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
    )


def _leaves(paths: Iterable[str]) -> int:
    """How many of the modules have no other in them."""
    names = set(paths)
    parents = {path.rpartition(".")[0] for path in names if path}
    return len(names - parents)


def _coverage(ledger: Ledger) -> Coverage:
    states = ledger.states()
    return Coverage(operations=states.total(), counted=states["counted"], free=states["free"], unknown=ledger.unknown)


def _operations(ledger: Ledger, memory: Memory) -> list[Operation]:
    """One entry an operator and precision."""
    return operation_sums(
        (entry.label, entry.state, entry.operation.repeats, (*entry.count, *moved))
        for entry, moved in zip(ledger.entries, memory.traffic, strict=True)
    )


GRAPH_FORMATS.register("onnx", profile)
