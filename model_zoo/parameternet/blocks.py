"""GhostNet's blocks with Hardswish, each convolution plain or a mixture of M experts."""

from __future__ import annotations

from timm.models import ghostnet
from torch import nn

from model_zoo.dynamic import DynamicConv2d, check_experts


def dynamic(plain: nn.Conv2d, experts: int) -> nn.Module:
    """The dynamic convolution of the same shape; one expert is the plain convolution itself, without a router.

    Raises:
        ValueError: Where ``experts`` is no number of experts.
    """
    check_experts(experts)
    if experts == 1:
        return plain
    return DynamicConv2d(
        plain.in_channels,
        plain.out_channels,
        plain.kernel_size[0],
        plain.stride[0],
        g=plain.groups,
        experts=experts,
    )


def convolution(c1: int, c2: int, k: int = 1, s: int = 1, experts: int = 4) -> nn.Sequential:
    """Convolution, BatchNorm, Hardswish: (B, c1, H, W) -> (B, c2, H/s, W/s)."""
    plain = nn.Conv2d(c1, c2, k, s, k // 2, bias=False)
    return nn.Sequential(dynamic(plain, experts), nn.BatchNorm2d(c2), nn.Hardswish())


class GhostBottleneck(ghostnet.GhostBottleneck):
    """timm's, with Hardswish; the Ghost modules and the shortcut are dynamic.

    (B, c1, H, W) -> (B, c2, H/s, W/s). The strided depthwise convolution between the Ghost modules and the
    squeeze-and-excitation stay plain, as in the published code.

    Args:
        c1: Channels in.
        c2: Channels out.
        expanded: Channels between the two Ghost modules.
        k: Kernel size of the strided and the shortcut's depthwise convolution.
        s: Stride.
        squeeze: Squeeze-and-excitation's ratio; 0 for none.
        experts: Kernels of each dynamic convolution; 1 makes the static network.
    """

    def __init__(
        self, c1: int, c2: int, expanded: int, k: int = 3, s: int = 1, squeeze: float = 0.0, experts: int = 4
    ) -> None:
        super().__init__(c1, expanded, c2, k, s, act_layer=nn.Hardswish, se_ratio=squeeze)
        if self.se is not None:
            self.se.act1 = nn.Hardswish()  # timm always takes ReLU here, the published code the block's own
        for part in (self.ghost1, self.ghost2, self.shortcut):
            for path, layer in list(part.named_modules()):
                if isinstance(layer, nn.Conv2d):
                    part.set_submodule(path, dynamic(layer, experts))


class GhostClassify(nn.Sequential):
    """GhostNet's head: mean, 1×1 convolution with bias, Hardswish, classifier. (B, c1, H, W) -> (B, classes)."""

    def __init__(self, c1: int, hidden: int, classes: int) -> None:
        super().__init__(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(c1, hidden, 1),
            nn.Hardswish(),
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(hidden, classes),
        )
