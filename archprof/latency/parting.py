"""Where an exported model and the model in eager PyTorch part: the first module whose results differ, and its node.

ONNX Runtime without its optimisations computes the file, and is the arbiter: where its results are eager PyTorch's
throughout, the file is right, and it is another runtime that computes otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import onnx
import torch
from torch import Tensor

from archprof.latency.agreement import agreement
from archprof.trace.onnx_graph.scopes import module_path

if TYPE_CHECKING:
    from collections.abc import Sequence

LARGEST = 1 << 30
"""Bytes of a file that is looked into: protobuf holds no larger message than twice that."""


def parting(module: torch.nn.Module, inputs: Sequence[Tensor], content: bytes, dtype: str) -> str | None:
    """Which node of a file gives other numbers than the module that it was exported from.

    Args:
        module: The model that was exported.
        inputs: What it is run on; the file has them in the same order.
        content: The file.
        dtype: As for :func:`~archprof.latency.agreement.agreement`.

    Returns:
        A sentence; None where the file cannot be looked into, or its nodes have no modules.
    """
    if len(content) > LARGEST:
        return None
    expected = _results(module, inputs)
    model = onnx.load_from_string(content)
    nodes = [(module_path(node.name, node.metadata_props), node) for node in model.graph.node]
    last = {path: node for path, node in nodes if path in expected and len(node.output) == 1}
    ordered = [(path, last[path]) for path in expected if path in last]
    if not ordered:
        return None
    results = _run(model, inputs, [node.output[0] for _, node in ordered])
    for (path, node), result in zip(ordered, results, strict=True):
        if not agreement([expected[path]], [torch.as_tensor(result)], dtype).holds:
            kind = type(module.get_submodule(path)).__name__
            return f"they part at {kind} {path}, which is {node.op_type} {node.name or node.output[0]} in the file"
    return "in ONNX Runtime without optimisations every module of the file gives eager PyTorch's numbers"


def _results(module: torch.nn.Module, inputs: Sequence[Tensor]) -> dict[str, Tensor]:
    """What each module without children gave, in the order of the run; none of those that ran more than once."""
    results: dict[str, Tensor] = {}
    calls: dict[str, int] = {}

    def keep(path: str, result: Any) -> None:
        calls[path] = calls.get(path, 0) + 1
        if isinstance(result, Tensor):
            results[path] = result.clone()

    leaves = [(path, child) for path, child in module.named_modules() if path and not any(child.children())]
    handles = [
        child.register_forward_hook(lambda _, __, result, path=path: keep(path, result)) for path, child in leaves
    ]
    try:
        with torch.no_grad():
            module(*inputs)
    finally:
        for handle in handles:
            handle.remove()
    return {path: result for path, result in results.items() if calls[path] == 1}


def _run(model: onnx.ModelProto, inputs: Sequence[Tensor], names: list[str]) -> list[Any]:
    """The tensors of those names, as ONNX Runtime computes them without its optimisations."""
    import onnxruntime

    present = {value.name for value in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in dict.fromkeys(names) if name not in present)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    arguments = [argument.name for argument in session.get_inputs()]
    feeds = dict(zip(arguments, (tensor.numpy() for tensor in inputs), strict=True))
    results: list[Any] = session.run(names, feeds)
    return results
