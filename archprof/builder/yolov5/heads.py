"""YOLOv5's heads: for every anchor of every cell a box, an objectness and a score a class, by one 1 × 1 convolution.

Boxes are decoded as YOLOv5 does since v5.0: the centre is ``(2 σ(t) - 0.5 + cell) · stride``, and the sides are
``(2 σ(t))² · anchor``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from ultralytics.nn.tasks import BaseModel

from archprof.builder.head_kinds import Kind, head_strides
from archprof.builder.yolov5.blocks import Proto
from archprof.builder.yolov5.row_rules import BOX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class AnchorModel(BaseModel):
    """A network with such a head. It is fused as YOLOv5 does: the batch norms of its Convs, and no others."""


class AnchorDetect(nn.Module):
    """Boxes.

    Args:
        classes: The number of classes.
        anchors: For each map the widths and heights of its anchors in turn, in pixels.
        channels: The channels of each map.

    Attributes:
        nl: The number of maps.
        na: The number of anchors of a cell.
        no: The number of outputs of an anchor.
        stride: Pixels between the cells of each map; worked out when the network is built.
    """

    kind = Kind(AnchorModel, "detect", head_strides, has_biases=True)

    def __init__(self, classes: int, anchors: Sequence[Sequence[float]], channels: Sequence[int]) -> None:
        super().__init__()
        self.nc, self.nl, self.na = classes, len(anchors), len(anchors[0]) // 2
        self.no = BOX + classes
        self.stride = torch.zeros(self.nl)
        self.inplace = True
        self.anchors: Tensor
        self.register_buffer("anchors", torch.tensor(anchors, dtype=torch.float32).view(self.nl, -1, 2))
        self.m = self._convolutions(channels)

    def _convolutions(self, channels: Sequence[int]) -> nn.ModuleList:
        return nn.ModuleList(nn.Conv2d(width, self.no * self.na, 1) for width in channels)

    def forward(self, maps: list[Tensor]) -> list[Tensor] | tuple[Tensor, ...]:
        """Maps of shape (B, C, H, W) -> all boxes (B, Σ na · H · W, no), and the maps before decoding.

        Those are (B, na, H, W, no), and in training they are all.
        """
        outputs = []
        for convolution, features in zip(self.m, maps, strict=True):
            batch, _, height, width = features.shape
            output = convolution(features).view(batch, self.na, self.no, height, width)
            outputs.append(output.permute(0, 1, 3, 4, 2).contiguous())
        if self.training:
            return outputs
        boxes = [self.decode(output, index).flatten(1, 3) for index, output in enumerate(outputs)]
        return torch.cat(boxes, 1), *outputs

    def decode(self, output: Tensor, index: int) -> Tensor:
        """One map's outputs (B, na, H, W, no), as pixels and probabilities, which are all of them but masks."""
        centre, sides, scores, masks = torch.split(output, [2, 2, 1 + self.nc, self.no - BOX - self.nc], 4)
        stride, anchors = self.stride[index], self.anchors[index].view(1, self.na, 1, 1, 2)
        parts = [
            (centre.sigmoid() * 2 + self._cells(output)) * stride,
            (sides.sigmoid() * 2) ** 2 * (anchors * stride),
            scores.sigmoid(),
            *([masks] if masks.shape[4] else []),
        ]
        return torch.cat(parts, 4)

    @staticmethod
    def _cells(output: Tensor) -> Tensor:
        """The cells' x and y, less half a cell, as (1, 1, H, W, 2)."""
        height, width = output.shape[2:4]
        rows, columns = (torch.arange(side, device=output.device, dtype=output.dtype) - 0.5 for side in (height, width))
        grid = torch.stack((columns.expand(height, width), rows.unsqueeze(1).expand(height, width)), 2)
        return grid.view(1, 1, height, width, 2)

    def bias_init(self) -> None:
        """Start from eight objects on an image of 640 pixels, of any class; from here on, anchors count in cells."""
        self.anchors /= self.stride.to(self.anchors.device).view(-1, 1, 1)
        with torch.no_grad():
            for convolution, stride in zip(self.m, self.stride.tolist(), strict=True):
                bias = _bias(convolution).view(self.na, -1)
                bias[:, 4] += math.log(8 / (640 / stride) ** 2)
                bias[:, BOX : BOX + self.nc] += math.log(0.6 / (self.nc - 0.99999))


def _bias(convolution: Any) -> Tensor:
    bias: Tensor = convolution.bias
    return bias


class AnchorSegment(AnchorDetect):
    """Boxes with coefficients of masks, and the prototypes that these combine.

    Args:
        classes: The number of classes.
        anchors: As for :class:`AnchorDetect`.
        masks: The number of prototypes.
        hidden: Channels on the way to them.
        channels: The channels of each map.
    """

    kind = Kind(AnchorModel, "segment", head_strides, has_biases=True)

    def __init__(
        self, classes: int, anchors: Sequence[Sequence[float]], masks: int, hidden: int, channels: Sequence[int]
    ) -> None:
        super().__init__(classes, anchors, channels)
        self.no = BOX + classes + masks
        self.m = self._convolutions(channels)
        self.proto = Proto(channels[0], hidden, masks)

    def forward(self, maps: list[Tensor]) -> tuple[Tensor, ...]:
        """As :class:`AnchorDetect`, with the prototypes (B, masks, 2H, 2W) of the finest map."""
        prototypes = self.proto(maps[0])
        return *super().forward(maps), prototypes
