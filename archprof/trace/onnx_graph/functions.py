"""Functions that a model brings: each call is replaced with what it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx
import onnx.inliner

from archprof.errors import LimitError, in_one_line
from archprof.sources.onnx_file.error import OnnxFileError
from archprof.sources.onnx_file.wire import NODES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

Key = tuple[str, str, str]


def inline_functions(model: onnx.ModelProto, path: Path) -> onnx.ModelProto:
    """The same model without functions of its own.

    Raises:
        OnnxFileError: Where a function calls itself, or cannot be put in the place of its calls.
        LimitError: Where its calls make more nodes than are read.
    """
    if not model.functions:
        return model
    functions = {_key(function.domain, function.name, function.overload): function for function in model.functions}
    sizes: dict[Key, int] = {}
    for key in functions:
        _measure(key, functions, sizes, path)
    total = sum(sizes.get(_key(node.domain, node.op_type, node.overload), 1) for node in _nodes(model.graph.node))
    if total > NODES:
        raise LimitError(f"more than {NODES:,} nodes once its functions stand for their calls", path=path)
    try:
        return onnx.inliner.inline_local_functions(model)
    except Exception as error:  # the inliner raises several kinds
        raise OnnxFileError(f"its functions cannot be inlined: {in_one_line(error)}", path=path) from None


def _measure(start: Key, functions: dict[Key, onnx.FunctionProto], sizes: dict[Key, int], path: Path) -> None:
    """Enter how many nodes a call of a function makes, without recursion: a chain of calls may be long."""
    stack, open_ = [start], set()
    while stack:
        key = stack[-1]
        calls = [_key(node.domain, node.op_type, node.overload) for node in _nodes(functions[key].node)]
        missing = [call for call in dict.fromkeys(calls) if call in functions and call not in sizes]
        if key in sizes:
            stack.pop()
        elif not missing:
            sizes[key] = sum(sizes.get(call, 1) for call in calls)
            open_.discard(key)
            stack.pop()
        elif key in open_ or key in missing:
            raise OnnxFileError(f"the function {key[1]!r} calls itself", path=path)
        else:
            open_.add(key)
            stack += missing


def _nodes(nodes: Iterable[onnx.NodeProto]) -> Iterator[onnx.NodeProto]:
    for node in nodes:
        yield node
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from _nodes(attribute.g.node)


def _key(domain: str, name: str, overload: str) -> Key:
    return ("" if domain == "ai.onnx" else domain, name, overload)
