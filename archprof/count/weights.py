"""What a module's weights are: how many elements, how many bytes they take, and of which type they are.

Beside its parameters a module may hold weights that torch registers nowhere: quantised layers pack theirs into objects
of their own, and what torch.jit has frozen has them as constants of its graph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from archprof.trace import tree
from archprof.trace.subclasses import inner_tensors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import Tensor, nn


def elements(tensors: Iterable[Tensor]) -> int:
    """Elements of the weights as the model uses them, however they are stored."""
    return sum([tensor.numel() for tensor in tensors])


def nbytes(tensors: Iterable[Tensor]) -> int:
    """Bytes that weights take: of a quantised one its integers, its scales and its zero points."""
    return sum([_stored(inner) for tensor in tensors for inner in _inner(tensor)])


def _inner(tensor: Tensor) -> Iterable[Tensor]:
    # Nearly every weight is plain, and asking for less is quicker.
    return (tensor,) if type(tensor) in _PLAIN else inner_tensors(tensor)


_PLAIN = (torch.nn.Parameter, torch.Tensor)


def dtype(tensor: Tensor) -> torch.dtype:
    """The type that most of a weight's bytes are of: int8 of one that is quantised and looks like float32."""
    return max(inner_tensors(tensor), key=_stored).dtype


def weights(model: nn.Module) -> list[Tensor]:
    """Every weight of a model once: its parameters, and those that torch registers nowhere."""
    registered = tree.parameters(model)
    return [*registered, *(weight for module in tree.modules(model) for weight in unregistered(module))]


def own_weights(module: nn.Module) -> list[Tensor]:
    """The weights of one module without those below it, each once."""
    if isinstance(module, torch.jit.ScriptModule):
        return [*module.parameters(recurse=False), *unregistered(module)]
    own: dict[int, Tensor] = {id(weight): weight for weight in module._parameters.values() if weight is not None}
    return [*own.values(), *unregistered(module)]


def unregistered(module: nn.Module) -> list[Tensor]:
    """The weights of one module that are no parameters: packed for quantised kernels, or frozen by torch.jit."""
    if isinstance(module, torch.jit.ScriptModule):
        return list(_frozen(module))
    objects = [value for value in module.__dict__.values() if type(value) is torch.ScriptObject]
    if not objects:
        return []
    # Cells hold their biases beside the matrices that hold them too.
    return list({weight.data_ptr(): weight for value in objects for weight in _packed(value)}.values())


def _packed(value: Any) -> Iterator[Tensor]:
    """The weight and the bias in one of torch's packed objects, or in an LSTM's cells, which hold several of those."""
    if hasattr(value, "unpack"):
        yield from (tensor for tensor in value.unpack() if isinstance(tensor, torch.Tensor))
    elif hasattr(value, "__getstate__"):
        for part in _parts(value.__getstate__()):
            yield from _packed(part) if isinstance(part, torch.ScriptObject) else [part]


def _parts(state: Any) -> Iterator[Any]:
    if isinstance(state, (torch.Tensor, torch.ScriptObject)):
        yield state
    elif isinstance(state, (list, tuple)):
        for part in state:
            yield from _parts(part)


def _frozen(module: torch.jit.ScriptModule) -> Iterator[Tensor]:
    """Floating-point constants of a forward's graph: freezing makes them of parameters."""
    if next(module.parameters(), None) is not None:
        return
    try:
        graph: Any = module.graph
    except (AttributeError, RuntimeError):  # without a forward, as parts have that were inlined when they were traced
        return
    for node in graph.findAllNodes("prim::Constant", recurse=True):
        if node.hasAttribute("value") and node.kindOf("value") == "t":
            value = node.t("value")
            if value.is_floating_point() and value.ndim:
                yield value


def _stored(tensor: Tensor) -> int:
    """Bytes of a plain tensor: of a sparse one its values and indices, of a quantised one its scales too."""
    if tensor.layout is torch.strided and not tensor.is_quantized:
        return tensor.numel() * tensor.element_size()
    if tensor.layout is torch.sparse_coo:
        return nbytes((tensor._values(), tensor._indices()))
    if tensor.layout in (torch.sparse_csr, torch.sparse_bsr):
        return nbytes((tensor.values(), tensor.crow_indices(), tensor.col_indices()))
    if tensor.layout in (torch.sparse_csc, torch.sparse_bsc):
        return nbytes((tensor.values(), tensor.ccol_indices(), tensor.row_indices()))
    size = tensor.numel() * tensor.element_size()
    if tensor.is_quantized and tensor.qscheme() in (torch.per_channel_affine, torch.per_channel_symmetric):
        size += nbytes((tensor.q_per_channel_scales(), tensor.q_per_channel_zero_points()))
    return size
