"""Blocks with dynamic convolutions in them, for the YOLO families.

One name stands for two blocks: in YOLOv13's article ``DynamicConv`` brings its own BatchNorm and activation, in
those on YOLOv10 and YOLO26 it is the dynamic convolution alone. So each family registers what it means.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from torch import Tensor, nn
from ultralytics.nn.modules.block import C3, Bottleneck, C2f

from model_zoo.dynamic import DynamicConv2d

Convolution = Callable[..., nn.Module]
"""What makes a convolution from (channels in, channels out, kernel size, ``g=`` groups)."""


class DynamicConv(nn.Module):
    """Dynamic convolution, BatchNorm, activation: (B, c1, H, W) -> (B, c2, H/s, W/s).

    The arguments are those of Ultralytics' ``Conv``, and last the number of experts.
    """

    # Its own and not Conv's: one activation shared by all of them is a module of its own in the published count.
    default_act: ClassVar[nn.Module] = nn.SiLU()

    def __init__(
        self,
        c1: int,
        c2: int,
        k: int = 1,
        s: int = 1,
        p: int | None = None,
        g: int = 1,
        d: int = 1,
        act: bool | nn.Module = True,
        num_experts: int | None = None,
    ) -> None:
        super().__init__()
        activation = act if isinstance(act, nn.Module) else self.default_act if act else nn.Identity()
        self.conv = nn.Sequential(DynamicConv2d(c1, c2, k, s, p, g, d, num_experts), nn.BatchNorm2d(c2), activation)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve, normalise, activate."""
        y: Tensor = self.conv(x)
        return y


class DynamicBnAct(nn.Module):
    """A :class:`DynamicConv`, then another BatchNorm and ReLU: (B, c1, H, W) -> (B, c2, H/s, W/s).

    Args:
        c1: Channels in.
        c2: Channels out.
        k: Kernel size.
        s: Stride.
        d: Dilation.
        skip: Whether to add the input, where stride and channels leave its shape as it is.
        g: Groups.
        num_experts: M.
    """

    def __init__(
        self,
        c1: int,
        c2: int,
        k: int = 1,
        s: int = 1,
        d: int = 1,
        skip: bool = False,
        g: int = 1,
        num_experts: int | None = None,
    ) -> None:
        super().__init__()
        self.skip = skip and s == 1 and c1 == c2
        self.conv = DynamicConv(c1, c2, k, s, g=g, d=d, num_experts=num_experts)
        self.bn = nn.BatchNorm2d(c2)
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Convolve, normalise and activate twice, add the input."""
        y: Tensor = self.act(self.bn(self.conv(x)))
        return x + y if self.skip else y


class DynamicBottleneck(Bottleneck):
    """A plain 3×3 convolution, then a dynamic one, without narrowing in between."""

    def __init__(self, c: int, shortcut: bool, g: int, convolution: Convolution) -> None:
        super().__init__(c, c, shortcut, g, k=(3, 3), e=1.0)
        self.cv2 = convolution(c, c, 3, g=g)


class DynamicC3k(C3):
    """C3 with n bottlenecks that end in a dynamic convolution."""

    def __init__(self, c: int, n: int, shortcut: bool, g: int, convolution: Convolution) -> None:
        super().__init__(c, c, 0, shortcut, g)
        self.m = nn.Sequential(*(DynamicBottleneck(c // 2, shortcut, g, convolution) for _ in range(n)))


class C2fDynamicConv(C2f):
    """C2f with n bottlenecks that end in a dynamic convolution; arguments as C2f."""

    def __init__(self, c1: int, c2: int, n: int = 1, shortcut: bool = False, g: int = 1, e: float = 0.5) -> None:
        super().__init__(c1, c2, n, shortcut, g, e)
        self.m = nn.ModuleList(DynamicBottleneck(self.c, shortcut, g, DynamicConv2d) for _ in range(n))


class C3k2DynamicConv(C2f):
    """C3k2 whose bottlenecks end in a dynamic convolution.

    Args:
        c1: Channels in.
        c2: Channels out.
        n: Inner blocks.
        c3k: Whether an inner block is a C3 with two bottlenecks, and not one bottleneck.
        e: Hidden channels as a share of c2.
        g: Groups.
        shortcut: Whether bottlenecks add their input.
    """

    convolution: ClassVar[Convolution] = DynamicConv

    def __init__(
        self,
        c1: int,
        c2: int,
        n: int = 1,
        c3k: bool = False,
        e: float = 0.5,
        g: int = 1,
        shortcut: bool = True,
    ) -> None:
        super().__init__(c1, c2, n, shortcut, g, e)
        make = type(self).convolution
        self.m = nn.ModuleList(
            DynamicC3k(self.c, 2, shortcut, g, make) if c3k else DynamicBottleneck(self.c, shortcut, g, make)
            for _ in range(n)
        )


class C3k2DynamicBnAct(C3k2DynamicConv):
    """The same with :class:`DynamicBnAct`."""

    convolution = DynamicBnAct
