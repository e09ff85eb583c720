"""A plain convolution made dynamic: what a designer would have if a layer were one."""

from __future__ import annotations

from typing import Any

import torch
from timm.layers import CondConv2d
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d


class MixedConvolution(nn.Module):
    """A convolution whose kernel is mixed of M experts, as the code published with ParameterNet has it.

    (B, C_in, H, W) -> (B, C_out, H', W'). The router is the mean of the image, one linear layer with bias, and a
    sigmoid: C_in·M + M parameters. The experts are timm's ``CondConv2d``, M biases among them where there was one.

    Args:
        plain: The convolution that it is instead of.
        experts: M.
    """

    def __init__(self, plain: nn.Conv2d, experts: int) -> None:
        super().__init__()
        factory: dict[str, Any] = {"device": plain.weight.device, "dtype": plain.weight.dtype}
        self.router = nn.Linear(plain.in_channels, experts, **factory)
        self.kernels = CondConv2d(
            plain.in_channels,
            plain.out_channels,
            plain.kernel_size,
            plain.stride,
            plain.padding,
            plain.dilation,
            plain.groups,
            bias=plain.bias is not None,
            num_experts=experts,
            **factory,
        )

    def forward(self, x: Tensor) -> Tensor:
        """Weigh the experts by the image, then convolve with their mixture."""
        weights = torch.sigmoid(self.router(adaptive_avg_pool2d(x, 1).flatten(1)))
        output: Tensor = self.kernels(x, weights)
        return output
