"""Blocks of YOLOv5 that Ultralytics does not have, or has otherwise. Conv is Ultralytics': the modules are the same."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import nn
from ultralytics.nn import modules
from ultralytics.nn.modules import C3, SPP, Conv

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class Bottleneck(modules.Bottleneck):
    """A 1 × 1 and a 3 × 3 convolution with a residual; Ultralytics' has two 3 × 3 ones where a row does not say."""

    def __init__(self, c1: int, c2: int, shortcut: bool = True, g: int = 1, e: float = 0.5) -> None:
        super().__init__(c1, c2, shortcut, g, (1, 3), e)


class BottleneckCSP(modules.BottleneckCSP):
    """Ultralytics' with the bottlenecks above."""

    def __init__(self, c1: int, c2: int, n: int = 1, shortcut: bool = True, g: int = 1, e: float = 0.5) -> None:
        super().__init__(c1, c2, n, shortcut, g, e)
        hidden = int(c2 * e)
        self.m = nn.Sequential(*(Bottleneck(hidden, hidden, shortcut, g, e=1.0) for _ in range(n)))


class CrossConv(nn.Module):
    """A k × k convolution as a 1 × k and a k × 1, with a residual on demand: (B, c1, H, W) -> (B, c2, H/s, W/s)."""

    def __init__(
        self, c1: int, c2: int, k: int = 3, s: int = 1, g: int = 1, e: float = 1.0, shortcut: bool = False
    ) -> None:
        super().__init__()
        hidden = int(c2 * e)
        self.cv1 = Conv(c1, hidden, (1, k), (1, s))
        self.cv2 = Conv(hidden, c2, (k, 1), (s, 1), g=g)
        self.residual = shortcut and c1 == c2

    def forward(self, x: Tensor) -> Tensor:
        """Rows first, then columns."""
        y: Tensor = self.cv2(self.cv1(x))
        return x + y if self.residual else y


class C3SPP(C3):
    """A C3 whose inner block is a spatial pyramid pooling."""

    def __init__(
        self,
        c1: int,
        c2: int,
        k: Sequence[int] = (5, 9, 13),
        n: int = 1,
        shortcut: bool = True,
        g: int = 1,
        e: float = 0.5,
    ) -> None:
        super().__init__(c1, c2, n, shortcut, g, e)
        hidden = int(c2 * e)
        self.m = SPP(hidden, hidden, k)


class MixConv2d(nn.Module):
    """Convolutions of several kernel sizes, each for its part of the output channels (Tan and Le, arXiv:1907.09595).

    Args:
        c1: Channels in.
        c2: Channels out.
        k: Kernel sizes.
        s: The stride.
        equal_ch: Whether each kernel size gets as many channels; else as many weights.
    """

    def __init__(self, c1: int, c2: int, k: Sequence[int] = (1, 3), s: int = 1, equal_ch: bool = True) -> None:
        super().__init__()
        parts = _equal_channels(c2, len(k)) if equal_ch else _equal_weights(c2, k)
        self.m = nn.ModuleList(
            nn.Conv2d(c1, part, size, s, size // 2, groups=math.gcd(c1, part), bias=False)
            for size, part in zip(k, parts, strict=True)
        )
        self.bn = nn.BatchNorm2d(c2)
        self.act = nn.SiLU()

    def forward(self, x: Tensor) -> Tensor:
        """(B, c1, H, W) -> (B, c2, H/s, W/s)."""
        y: Tensor = self.act(self.bn(torch.cat([convolution(x) for convolution in self.m], 1)))
        return y


def _equal_channels(channels: int, parts: int) -> list[int]:
    """Channel i goes to part floor(i · (parts - 1e-6) / (channels - 1)): the last part has at least one."""
    step = (parts - 1e-6) / max(channels - 1, 1)
    indices = [int(index * step) for index in range(channels)]
    return [indices.count(part) for part in range(parts)]


def _equal_weights(channels: int, kernels: Sequence[int]) -> list[int]:
    """Channels in inverse proportion to the kernels' areas, rounded: c_i · k_i² is the same for all."""
    inverse = [1 / kernel**2 for kernel in kernels]
    return [round(channels * part / sum(inverse)) for part in inverse]


class Contract(nn.Module):
    """Pixels to channels: (B, C, H, W) -> (B, C · gain², H / gain, W / gain)."""

    def __init__(self, gain: int = 2) -> None:
        super().__init__()
        self.gain = gain

    def forward(self, x: Tensor) -> Tensor:
        """The place within a cell becomes the outermost part of the channel."""
        batch, channels, height, width = x.shape
        gain = self.gain
        cells = x.view(batch, channels, height // gain, gain, width // gain, gain)
        return cells.permute(0, 3, 5, 1, 2, 4).reshape(batch, channels * gain**2, height // gain, width // gain)


class Expand(nn.Module):
    """Channels to pixels: (B, C, H, W) -> (B, C / gain², H · gain, W · gain)."""

    def __init__(self, gain: int = 2) -> None:
        super().__init__()
        self.gain = gain

    def forward(self, x: Tensor) -> Tensor:
        """The outermost part of the channel becomes the place within a cell."""
        batch, channels, height, width = x.shape
        gain = self.gain
        cells = x.view(batch, gain, gain, channels // gain**2, height, width)
        return cells.permute(0, 3, 4, 1, 5, 2).reshape(batch, channels // gain**2, height * gain, width * gain)


class Proto(nn.Module):
    """Prototypes of masks at twice the resolution, by nearest upsampling: (B, c1, H, W) -> (B, c2, 2H, 2W)."""

    def __init__(self, c1: int, c_: int = 256, c2: int = 32) -> None:
        super().__init__()
        self.cv1 = Conv(c1, c_, k=3)
        self.upsample = nn.Upsample(scale_factor=2, mode="nearest")
        self.cv2 = Conv(c_, c_, k=3)
        self.cv3 = Conv(c_, c2)

    def forward(self, x: Tensor) -> Tensor:
        """Three convolutions, the second on the larger map."""
        y: Tensor = self.cv3(self.cv2(self.upsample(self.cv1(x))))
        return y
