"""Detection and segmentation heads whose dense 3×3 convolutions are dynamic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn
from ultralytics.nn.modules.conv import Conv
from ultralytics.nn.modules.head import Detect, Segment

from model_zoo.dynamic_blocks import DynamicConv

if TYPE_CHECKING:
    from collections.abc import Sequence


class DetectDynamicConv(Detect):
    """Detect with dynamic 3×3 convolutions in its box branch; arguments as Detect."""

    def __init__(self, nc: int = 80, reg_max: int = 16, end2end: bool = False, ch: Sequence[int] = ()) -> None:
        super().__init__(nc, reg_max, end2end, ch)
        make_dynamic(self)


class SegmentDynamicConv(Segment):
    """Segment with dynamic 3×3 convolutions in its box, coefficient and prototype branches; arguments as Segment."""

    def __init__(
        self,
        nc: int = 80,
        nm: int = 32,
        npr: int = 256,
        reg_max: int = 16,
        end2end: bool = False,
        ch: Sequence[int] = (),
    ) -> None:
        super().__init__(nc, nm, npr, reg_max, end2end, ch)
        make_dynamic(self)


def make_dynamic(module: nn.Module) -> None:
    """Replace every dense 3×3 Conv below a module by a dynamic one of the same channels and stride, in place."""
    for name, child in module.named_children():
        conv = child.conv if isinstance(child, Conv) else None
        if isinstance(conv, nn.Conv2d) and conv.kernel_size == (3, 3) and conv.groups == 1:
            setattr(module, name, DynamicConv(conv.in_channels, conv.out_channels, 3, conv.stride[0]))
        else:
            make_dynamic(child)
