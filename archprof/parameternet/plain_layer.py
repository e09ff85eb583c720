"""The plain layer of a dynamic one: the same convolution or product with one kernel that is a parameter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from archprof.parameternet.find import samples
from archprof.trace.recorder import flat

if TYPE_CHECKING:
    from torch import Tensor

    from archprof.parameternet.boundary import Boundary
    from archprof.parameternet.find import DynamicOp
    from archprof.trace.record import Operation


class Plain(nn.Module):
    """A plain layer in the place of a dynamic one, whose arguments it takes: those of its router go unread.

    Args:
        layer: The convolution or linear layer.
        position: Which of the tensors among the arguments it is applied to.
        padding: What is put round that tensor first, as ``torch.nn.functional.pad`` takes it.
    """

    def __init__(self, layer: nn.Module, position: int = 0, padding: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.layer = layer
        self.position = position
        self.padding = padding

    def forward(self, *arguments: Any, **keywords: Any) -> Tensor:
        """Pad, then apply the layer."""
        x = next(tensor for place, tensor in enumerate(flat((arguments, keywords))) if place == self.position)
        if self.padding:
            x = nn.functional.pad(x, self.padding)
        result: Tensor = self.layer(x)
        return result

    def alone(self) -> nn.Module:
        """The same for a caller that hands over nothing else."""
        return Plain(self.layer, 0, self.padding) if self.padding else self.layer


class Regrouped(nn.Module):
    """A plain convolution of samples that lie side by side as groups of one, which is how dynamic ones are run.

    (1, B·C_in, H, W) -> (1, B·C_out, H', W'); (B, C_in, H, W) -> (B, C_out, H', W').
    """

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer
        self.channels: int = layer.in_channels

    def forward(self, x: Tensor) -> Tensor:
        """Convolve each sample."""
        y: Tensor = self.layer(x.reshape(-1, self.channels, *x.shape[2:]))
        return y.reshape(len(x), -1, *y.shape[2:])


def plain_layer(op: DynamicOp, operation: Operation, *, device: torch.device, dtype: torch.dtype) -> nn.Module:
    """The layer with one kernel, freshly initialised.

    Args:
        op: The dynamic layer.
        operation: Its convolution or product.
        device: Where the kernel is to be.
        dtype: The kernel's type.
    """
    _, c_in, c_out, groups, kernel, _ = samples(op, operation)
    place: dict[str, Any] = {"device": device, "dtype": dtype}
    if operation.name != "aten.convolution":
        return nn.Linear(c_in, c_out, bias=False, **place)
    _, _, bias, stride, padding, dilation, transposed, output_padding, _ = operation.arguments
    settings: dict[str, Any] = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    if transposed:
        settings["output_padding"] = output_padding
    kind = getattr(nn, f"Conv{'Transpose' if transposed else ''}{len(kernel)}d")
    layer: nn.Module = kind(c_in, c_out, tuple(kernel), bias=bias is not None, **settings, **place)
    return layer


def plain_module(layer: nn.Module, boundary: Boundary) -> nn.Module:
    """The layer as what it replaces was called: itself, or in a :class:`Plain`."""
    if boundary.position == 0 and boundary.arguments == 1 and not boundary.padding:
        return layer
    return Plain(layer, boundary.position, boundary.padding)
