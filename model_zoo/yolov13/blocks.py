"""Depthwise-separable blocks, and what carries the hypergraph's features to the neck."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from ultralytics.nn.modules.block import C3, C2f
from ultralytics.nn.modules.conv import Conv, autopad


class DSConv(nn.Module):
    """Depthwise k×k, pointwise 1×1, one BatchNorm, SiLU: (B, c_in, H, W) -> (B, c_out, H/s, W/s)."""

    def __init__(
        self,
        c_in: int,
        c_out: int,
        k: int = 3,
        s: int = 1,
        p: int | None = None,
        d: int = 1,
        bias: bool = False,
    ) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(c_in, c_in, k, s, autopad(k, p, d), d, groups=c_in, bias=bias)
        self.pointwise = nn.Conv2d(c_in, c_out, 1, bias=bias)
        self.bn = nn.BatchNorm2d(c_out)
        self.act = nn.SiLU()

    def forward(self, x: Tensor) -> Tensor:
        """Convolve within channels, then across them."""
        return cast("Tensor", self.act(self.bn(self.pointwise(self.depthwise(x)))))


class DSBottleneck(nn.Module):
    """Two depthwise-separable convolutions, the second of kernel k2 and dilation d2, and a residual."""

    def __init__(
        self,
        c1: int,
        c2: int,
        shortcut: bool = True,
        e: float = 0.5,
        k1: int = 3,
        k2: int = 5,
        d2: int = 1,
    ) -> None:
        super().__init__()
        hidden = int(c2 * e)
        self.cv1 = DSConv(c1, hidden, k1)
        self.cv2 = DSConv(hidden, c2, k2, d=d2)
        self.add = shortcut and c1 == c2

    def forward(self, x: Tensor) -> Tensor:
        """(B, c1, H, W) -> (B, c2, H, W)."""
        y: Tensor = self.cv2(self.cv1(x))
        return x + y if self.add else y


class DSC3k(C3):
    """C3 with n depthwise-separable bottlenecks."""

    def __init__(
        self,
        c1: int,
        c2: int,
        n: int = 1,
        shortcut: bool = True,
        g: int = 1,
        e: float = 0.5,
        k1: int = 3,
        k2: int = 5,
        d2: int = 1,
    ) -> None:
        super().__init__(c1, c2, 0, shortcut, g, e)
        hidden = int(c2 * e)
        self.m = nn.Sequential(*(DSBottleneck(hidden, hidden, shortcut, 1.0, k1, k2, d2) for _ in range(n)))


class DSC3k2(C2f):
    """C2f whose inner blocks are depthwise-separable.

    Args:
        c1: Channels in.
        c2: Channels out.
        n: Inner blocks.
        dsc3k: Whether an inner block is a DSC3k of two bottlenecks, and not one bottleneck.
        e: Hidden channels as a share of c2.
        g: Groups.
        shortcut: Whether bottlenecks add their input.
        k1: The bottlenecks' first kernel.
        k2: Their second kernel.
        d2: Its dilation.
    """

    def __init__(
        self,
        c1: int,
        c2: int,
        n: int = 1,
        dsc3k: bool = False,
        e: float = 0.5,
        g: int = 1,
        shortcut: bool = True,
        k1: int = 3,
        k2: int = 7,
        d2: int = 1,
    ) -> None:
        super().__init__(c1, c2, n, shortcut, g, e)
        c = self.c
        self.m = nn.ModuleList(
            DSC3k(c, c, 2, shortcut, g, 1.0, k1, k2, d2) if dsc3k else DSBottleneck(c, c, shortcut, 1.0, k1, k2, d2)
            for _ in range(n)
        )


class DownsampleConv(nn.Module):
    """Half the size, by averaging, and twice the channels: (B, C, H, W) -> (B, 2C, H/2, W/2).

    Args:
        c1: Channels in.
        channel_adjust: Whether the channels double; they stay as they are where not.
    """

    def __init__(self, c1: int, channel_adjust: bool = True) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(2)
        self.adjust = Conv(c1, 2 * c1, 1) if channel_adjust else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Average, then widen."""
        return cast("Tensor", self.adjust(self.pool(x)))


class FullPADTunnel(nn.Module):
    """x0 + gate · x1, with one learned scalar that starts at 0: [(B, C, H, W)] · 2 -> (B, C, H, W)."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Parameter(torch.tensor(0.0))

    def forward(self, x: list[Tensor]) -> Tensor:
        """Let in as much of the second map as the gate says."""
        return x[0] + self.gate * x[1]
