"""A built network -> the same network with the widths of a checkpoint's tensors: a pruned network is narrower.

Pruning tools cut channels out of a network's tensors and leave its code as it is. Each module's parameters get the
shapes of the file, and the attributes that tell its width follow them; whether what comes out fits together shows when
it is run.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from archprof.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Mapping

Shape = tuple[int, ...]

Widths = Callable[[Any, "Mapping[str, Shape]"], dict[str, Any]]
"""A module and the shapes of its own tensors -> its attributes that tell its width."""


MAX_ATTRIBUTE = 1 << 16
"""What a whole number of the file may be at most, since code may loop that often."""


def resize(
    model: nn.Module, shapes: Mapping[str, Shape], attributes: Mapping[str, Mapping[str, Any]] | None = None
) -> tuple[str, ...]:
    """Give a network the shapes of a checkpoint's tensors, in place.

    Args:
        model: The network; its parameters and buffers that change are replaced with tensors of like values.
        shapes: The shape of every tensor of its state dict, by name.
        attributes: What the file says of its modules, by path, where it says it: a block that splits its channels
            has their number as an attribute. Whole numbers that the network's modules have too are taken from it.

    Returns:
        The paths of the modules that changed, in the network's order.

    Raises:
        BuildError: Where the names are not those of the network, a shape has another number of axes, a kernel has
            another size, or groups do not divide the channels.
    """
    state = model.state_dict()
    for names, where in ((set(state) - set(shapes), "is not in the file"), (set(shapes) - set(state), "is new")):
        if names:
            raise BuildError(f"the tensors are not those of the network: {min(names)!r} {where}")
    own: dict[str, dict[str, Shape]] = {}
    for name in state:
        path, _, key = name.rpartition(".")
        own.setdefault(path, {})[key] = tuple(shapes[name])
    for path, values in (attributes or {}).items():
        _set_numbers(model, path, values)
    changed = []
    for path, wanted in own.items():
        module = model.get_submodule(path)
        tensors = {key: getattr(module, key) for key in wanted}
        if all(tuple(tensor.shape) == wanted[key] for key, tensor in tensors.items()):
            continue
        for key, tensor in tensors.items():
            if tensor.dim() != len(wanted[key]):
                raise BuildError(
                    f"{path}.{key} has {len(wanted[key])} axes in the file, and {tensor.dim()} in the network"
                )
        _resize_module(path, module, wanted)
        changed.append(path)
    return tuple(changed)


def _set_numbers(model: nn.Module, path: str, values: Mapping[str, Any]) -> None:
    """Take a module's whole numbers from the file, where it has them too."""
    try:
        module = model.get_submodule(path)
    except AttributeError:
        return
    for key, value in values.items():
        if type(value) is int and type(vars(module).get(key)) is int and 0 <= value <= MAX_ATTRIBUTE:
            setattr(module, key, value)


def _resize_module(path: str, module: nn.Module, shapes: Mapping[str, Shape]) -> None:
    widths = next((rule for kind, rule in WIDTHS.items() if isinstance(module, kind)), _no_widths)
    try:
        attributes = widths(module, shapes)
    except ValueError as error:
        raise BuildError(f"{path}: {error}") from None
    for key, shape in shapes.items():
        old = getattr(module, key)
        new = _of_shape(old.detach(), shape)
        if isinstance(old, nn.Parameter):
            setattr(module, key, nn.Parameter(new, requires_grad=old.requires_grad))
        else:
            setattr(module, key, new)
    for key, value in attributes.items():
        setattr(module, key, value)


def _of_shape(old: torch.Tensor, shape: Shape) -> torch.Tensor:
    """Values like the old ones, in another shape."""
    if not old.numel():
        return old.new_zeros(shape)
    numel = math.prod(shape)
    return old.flatten().repeat(-(-numel // old.numel()))[:numel].reshape(shape)


def _convolution(module: Any, shapes: Mapping[str, Shape]) -> dict[str, Any]:
    """Weight (out, in / groups, *kernel); (in, out / groups, *kernel) where it is transposed.

    A convolution that had one group for each input channel has so still; any other keeps its number of groups.
    """
    first, per_group, *kernel = shapes["weight"]
    if tuple(kernel) != tuple(module.kernel_size):
        old, new = ("×".join(map(str, sides)) for sides in (module.kernel_size, kernel))
        raise ValueError(f"its kernel is {new} in the file, and {old} in the network: that is more than another width")
    transposed = isinstance(module, _ConvTransposeNd)
    groups = module.groups
    if groups > 1 and groups == module.in_channels:
        groups = first if transposed else first // (module.out_channels // module.in_channels)
    if groups == 0 or first % groups:
        raise ValueError(f"{first} channels cannot be divided into {groups} groups")
    second = per_group * groups
    inputs, outputs = (first, second) if transposed else (second, first)
    return {"in_channels": inputs, "out_channels": outputs, "groups": groups}


def _linear(module: Any, shapes: Mapping[str, Shape]) -> dict[str, Any]:
    outputs, inputs = shapes["weight"]
    return {"in_features": inputs, "out_features": outputs}


def _normalisation(module: Any, shapes: Mapping[str, Shape]) -> dict[str, Any]:
    sizes = {shape for shape in shapes.values() if shape}  # the number of batches is a scalar
    if len(sizes) > 1:
        raise ValueError(f"its tensors have different lengths, {sorted(size for (size,) in sizes)}")
    ((features,),) = sizes
    return {"num_features": features}


def _group_normalisation(module: Any, shapes: Mapping[str, Shape]) -> dict[str, Any]:
    (channels,) = shapes["weight"]
    if channels % module.num_groups:
        raise ValueError(f"{channels} channels cannot be divided into {module.num_groups} groups")
    return {"num_channels": channels}


def _layer_normalisation(module: Any, shapes: Mapping[str, Shape]) -> dict[str, Any]:
    return {"normalized_shape": shapes["weight"]}


def _embedding(module: Any, shapes: Mapping[str, Shape]) -> dict[str, Any]:
    rows, width = shapes["weight"]
    return {"num_embeddings": rows, "embedding_dim": width}


def _prelu(module: Any, shapes: Mapping[str, Shape]) -> dict[str, Any]:
    return {"num_parameters": shapes["weight"][0]}


def _refused(module: Any, shapes: Mapping[str, Shape]) -> dict[str, Any]:
    raise ValueError(f"a {type(module).__name__} of another width cannot be told from its tensors alone")


def _no_widths(module: Any, shapes: Mapping[str, Shape]) -> dict[str, Any]:
    """A module of somebody's own: its tensors are resized, and what its code does with them shows in the run."""
    return {}


WIDTHS: Mapping[type[nn.Module], Widths] = {
    _ConvNd: _convolution,
    nn.Linear: _linear,
    _NormBase: _normalisation,
    nn.GroupNorm: _group_normalisation,
    nn.LayerNorm: _layer_normalisation,
    nn.RMSNorm: _layer_normalisation,
    nn.Embedding: _embedding,
    nn.PReLU: _prelu,
    nn.MultiheadAttention: _refused,
    nn.RNNBase: _refused,
}
"""How the width of each kind of module follows from its tensors; the first that fits counts."""
