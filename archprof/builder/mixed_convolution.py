"""A convolution whose kernel is mixed of experts, and what puts it in the place of plain ones.

This file needs torch alone: it is also what archprof writes out for a model that is trained without archprof. The
authors of archprof put no condition on the use of what is written out.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Mapping


class MixedConvolution(nn.Module):
    """A convolution whose kernel is mixed of M experts, as the code published with ParameterNet has it.

    (B, C_in, H, W) -> (B, C_out, H', W'). The router is the mean of the image, one linear layer with bias, and a
    sigmoid: C_in·M + M parameters. There are M biases where the plain convolution has one.

    The experts are the last dimension of ``weight`` (C_out, C_in/g·K·K, M). So the folding of a batch norm, which
    scales the first dimension of a convolution's ``weight`` and sets its ``bias``, is right for every expert at once.
    It has three dimensions because torch cannot store one of five as channels-last, in which Ultralytics trains.

    Args:
        plain: The convolution that it is instead of.
        experts: M.
    """

    def __init__(self, plain: nn.Conv2d, experts: int) -> None:
        super().__init__()
        self.experts = experts
        self.in_channels, self.out_channels, self.groups = plain.in_channels, plain.out_channels, plain.groups
        self.kernel_size, self.stride = plain.kernel_size, plain.stride
        self.padding, self.dilation = plain.padding, plain.dilation
        factory: dict[str, Any] = {"device": plain.weight.device, "dtype": plain.weight.dtype}
        self.router = nn.Linear(plain.in_channels, experts, **factory)
        size = plain.weight[0].numel()
        bound = 1 / math.sqrt(size)  # as torch initialises a plain convolution
        self.weight = nn.Parameter(torch.empty(plain.out_channels, size, experts, **factory).uniform_(-bound, bound))
        self.bias = None
        if plain.bias is not None:
            # The router gives each expert one half at first: together they are the plain bias.
            self.bias = nn.Parameter(plain.bias.detach()[:, None].repeat(1, experts) * (2 / experts))

    def forward(self, x: Tensor) -> Tensor:
        """Weigh the experts by the image, then convolve with their mixture: samples are groups of one convolution."""
        batch, channels, height, width = x.shape
        scores = torch.sigmoid(self.router(functional.adaptive_avg_pool2d(x, 1).flatten(1)))
        kernels = functional.linear(scores, self.weight.flatten(0, 1))
        bias: Tensor | None = self.bias
        if bias is not None:
            bias = functional.linear(scores, bias).flatten() if bias.ndim > 1 else bias.expand(batch, -1).flatten()
        output = functional.conv2d(
            x.reshape(1, batch * channels, height, width),
            kernels.view(batch * self.out_channels, -1, *self.kernel_size),
            bias,
            self.stride,
            self.padding,
            self.dilation,
            self.groups * batch,
        )
        return output.view(batch, self.out_channels, *output.shape[2:])

    def extra_repr(self) -> str:
        """What is printed of it."""
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"groups={self.groups}, experts={self.experts}"
        )


OWN = frozenset(vars(nn.Conv2d(1, 1, 1, device="meta")))
"""What every convolution has."""


def replace_convolutions(model: nn.Module, experts: Mapping[str, int]) -> nn.Module:
    """Make convolutions of a model dynamic.

    Args:
        model: The model; it is changed in place.
        experts: The number of experts of each, by the path of its module.

    Returns:
        The model. A convolution that stands at several paths is one dynamic convolution at all of them.

    Raises:
        ValueError: Where there is no module of that path, or it is no plain convolution.
    """
    modules = dict(model.named_modules(remove_duplicate=False))
    mixed: dict[int, MixedConvolution] = {}
    for path, number in experts.items():
        module = modules.get(path)
        if type(module) is not nn.Conv2d or module.padding_mode != "zeros":
            kind = "no module" if module is None else f"a {type(module).__name__}"
            raise ValueError(f"{path!r} is {kind}, not a plain convolution")
        if id(module) in mixed and mixed[id(module)].experts != number:
            raise ValueError(f"{path!r} is another path of a convolution with {mixed[id(module)].experts} experts")
        if id(module) not in mixed:
            new = mixed[id(module)] = MixedConvolution(module, number).train(module.training)
            # What others wrote on it, as Ultralytics does on the module of each row.
            vars(new).update({name: value for name, value in vars(module).items() if name not in OWN})
    for path, module in modules.items():
        if id(module) in mixed:
            parent, _, name = path.rpartition(".")
            setattr(modules[parent], name, mixed[id(module)])
    return model
