"""The size of every input of a graph: what the file fixes, and what was asked for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from archprof.sources.input_axes import DeclaredInput, InputSizes, size_axes
from archprof.trace.onnx_graph.record import dtype_name
from archprof.trace.onnx_graph.shapes import declared
from archprof.trace.onnx_graph.small_tensors import ELEMENTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import onnx

    from archprof.trace.onnx_graph.record import Tensor

_NAMELESS = frozenset({"?", "-1", "None", "none", "dynamic"})
"""What writers call an axis that has no name."""


@dataclass(frozen=True)
class SizedInputs:
    """The inputs of a graph with their sizes.

    Attributes:
        tensors: One an input, in the file's order.
        axes: The axes that the file leaves open: (input, axis) -> name, empty where it has none.
        batch_axes: Those of them that are the batch.
        values: What is in those of which that was said, by their names.
    """

    tensors: list[Tensor]
    axes: dict[tuple[str, int], str]
    batch_axes: frozenset[tuple[str, int]]
    values: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def symbols(self) -> list[str]:
        """The names of the open axes, each once."""
        return list(dict.fromkeys(name or f"{tensor}[{axis}]" for (tensor, axis), name in self.axes.items()))


def size_inputs(infos: Sequence[onnx.ValueInfoProto], sizes: InputSizes, path: Path) -> SizedInputs:
    """The inputs of a graph with a number for each axis, as :func:`archprof.sources.input_axes.size_axes` has it.

    Raises:
        UsageError: Where an axis was not given a size, or one that the file does not take.
    """
    dense = [info for info in infos if info.type.WhichOneof("value") == "tensor_type"]
    others = [DeclaredInput(info.name, "", ()) for info in infos if info.type.WhichOneof("value") != "tensor_type"]
    sequences = {entry.name for entry in others}
    shapes = {name: shape for name, shape in sizes.shapes.items() if name not in sequences}
    sized = size_axes([*map(_declared, dense), *others], replace(sizes, shapes=shapes), path)
    tensors = [declared(info) for info in infos]
    for tensor in tensors:
        if tensor.name not in sequences:
            tensor.shape = sized.shapes[tensor.name]
    values = {
        tensor.name: _filled(sizes.values[tensor.name], tensor) for tensor in tensors if tensor.name in sizes.values
    }
    for tensor in tensors:
        if (value := values.get(tensor.name)) is not None and value.size <= ELEMENTS:
            tensor.value = value
    return SizedInputs(tensors, sized.axes, sized.batch_axes, values)


def _filled(value: Any, tensor: Tensor) -> np.ndarray:
    """An input with the values that were asked for."""
    filled: np.ndarray = np.empty(tensor.sizes, tensor.dtype)
    filled[...] = value
    return filled


def _declared(info: onnx.ValueInfoProto) -> DeclaredInput:
    kind = info.type.tensor_type
    axes: list[int | str] = []
    for dim in kind.shape.dim:
        if dim.HasField("dim_value") and dim.dim_value >= 0:
            axes.append(dim.dim_value)
        else:
            axes.append("" if dim.dim_param in _NAMELESS else dim.dim_param)
    return DeclaredInput(info.name, dtype_name(kind.elem_type), tuple(axes) if kind.HasField("shape") else None)


def doubled(inputs: SizedInputs, axes: Iterable[tuple[str, int]]) -> SizedInputs:
    """The same inputs, some of their axes twice as long.

    Args:
        inputs: The inputs.
        axes: Some of their open axes.
    """
    longer = set(axes)
    tensors = [tensor.without_value() for tensor in inputs.tensors]
    for tensor in tensors:
        if tensor.shape is not None:
            factors = [1 + ((tensor.name, axis) in longer) for axis in range(len(tensor.shape))]
            tensor.shape = tuple([size * factor for size, factor in zip(tensor.shape, factors, strict=True)])
    return SizedInputs(tensors, inputs.axes, inputs.batch_axes)
