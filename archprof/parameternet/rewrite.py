"""Rewrites a module's forward where a dynamic layer is part of it, and drops what only the experts' weights needed.

The forward is traced symbolically, with the modules that it calls left whole. What nothing reads any more (the router,
the mixing of kernels) then falls away by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import fx, nn

from archprof.parameternet.plain_layer import Plain, Regrouped

if TYPE_CHECKING:
    from collections.abc import Mapping

CONVOLUTIONS = frozenset(
    getattr(namespace, f"conv{kind}{rank}d")
    for namespace in (torch, nn.functional)
    for kind in ("", "_transpose")
    for rank in (1, 2, 3)
)
"""The functions that convolve, under each of their names."""


class _Tracer(fx.Tracer):
    """Sees what one module does itself."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Called by torch for each module that is called."""
        return True


def rewritten(module: nn.Module, layers: Mapping[int, nn.Module]) -> nn.Module | None:
    """The module with plain layers in the place of convolutions, and without what only dynamic ones read.

    Args:
        module: The module; it is left as it is.
        layers: By place among the convolutions that its own forward runs: the plain layer that is to be there.

    Returns:
        A new module round the old one's children, or None where its forward cannot be traced symbolically: it steers by
        shapes or values.
    """
    try:
        graph = _Tracer().trace(module)
    except Exception:
        return None  # whatever the user's own forward raises when it is given something that is no tensor
    convolutions = [node for node in graph.nodes if node.op == "call_function" and node.target in CONVOLUTIONS]
    if any(position >= len(convolutions) for position in layers):
        return None
    root = _shallow(module)
    for position, layer in layers.items():
        _insert(graph, root, convolutions[position], layer)
    for node in graph.nodes:
        called_module = root.get_submodule(node.target) if node.op == "call_module" else None
        if isinstance(called_module, Plain) and len(node.args) > called_module.position:
            node.args, node.kwargs = (node.args[called_module.position],), {}
            root.set_submodule(node.target, called_module.with_tensor_only())
    # Twice: whether a node may go is asked of its module, and the second time only what is still read is taken over.
    graph_module = fx.GraphModule(root, graph, type(module).__name__)
    graph_module.graph.eliminate_dead_code()
    result = fx.GraphModule(graph_module, graph_module.graph, type(module).__name__)
    result.train(module.training)
    return result


def _shallow(module: nn.Module) -> nn.Module:
    """A module with the same children, parameters and buffers, whose own may be changed."""
    copy = object.__new__(type(module))
    vars(copy).update(vars(module))
    for name in ("_modules", "_parameters", "_buffers"):
        vars(copy)[name] = dict(vars(module)[name])
    return copy


def _insert(graph: fx.Graph, root: nn.Module, node: fx.Node, layer: nn.Module) -> None:
    """Call a layer where a function was called."""
    name = f"plain_{sum(child.startswith('plain_') for child in vars(root)['_modules'])}"
    root.add_module(name, Regrouped(layer))
    with graph.inserting_before(node):
        source: Any = node.args[0] if node.args else node.kwargs["input"]
        node.replace_all_uses_with(graph.call_module(name, (source,)))
    graph.erase_node(node)
