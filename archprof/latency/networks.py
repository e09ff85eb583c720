"""Small networks to find out what running operations in sequence adds to running each by itself.

In a loop of its own an operation finds its code, its weights' addresses and the allocator's memory ready. In a network
it does not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

Built = tuple[nn.Module, "Tensor"]
"""A network and what it is run on."""

Network = Callable[[], Built]


def _unit(inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.SiLU())


class Split(nn.Module):
    """Half of the channels go through two 3×3 convolutions, and everything is concatenated."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.last = _unit(width, width), _unit(width // 2 * 3, width)
        self.inner = nn.Sequential(_unit(width // 2, width // 2, 3), _unit(width // 2, width // 2, 3))

    def forward(self, image: Tensor) -> Tensor:
        """An image to one of the same shape."""
        left, right = self.first(image).chunk(2, 1)
        joined: Tensor = self.last(torch.cat((left, right, right + self.inner(right)), 1))
        return joined


class Inverted(nn.Module):
    """Wide, depthwise, weighed by channel, narrow."""

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.wide, self.deep = _unit(width, 4 * width), _unit(4 * width, 4 * width, kernel, 1, 4 * width)
        self.squeeze, self.excite = nn.Conv2d(4 * width, width, 1), nn.Conv2d(width, 4 * width, 1)
        self.narrow = nn.Sequential(nn.Conv2d(4 * width, width, 1, bias=False), nn.BatchNorm2d(width))

    def forward(self, image: Tensor) -> Tensor:
        """An image to one of the same shape."""
        inner = self.deep(self.wide(image))
        weight = self.excite(functional.relu(self.squeeze(inner.mean((2, 3), keepdim=True))))
        added: Tensor = image + self.narrow(inner * torch.sigmoid(weight))
        return added


class Block(nn.Module):
    """Attention, then a perceptron, on tokens."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.heads_in, self.heads_out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.perceptron = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens to as many."""
        batch, length, width = tokens.shape
        packed = self.heads_in(self.norms[0](tokens)).reshape(batch, length, 3, self.heads, width // self.heads)
        query, key, value = packed.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).reshape(tokens.shape)
        tokens = tokens + self.heads_out(mixed)
        added: Tensor = tokens + self.perceptron(self.norms[1](tokens))
        return added


def detector(batch: int = 1) -> Built:
    """Split blocks between strided convolutions, on images of 320."""
    parts = [
        *(_unit(3, 16, 3, 2), _unit(16, 32, 3, 2), Split(32), _unit(32, 64, 3, 2), Split(64)),
        *(_unit(64, 128, 3, 2), Split(128), _unit(128, 256, 3, 2), Split(256)),
    ]
    return nn.Sequential(*parts), torch.rand(batch, 3, 320, 320)


def mobile(side: int = 160, batch: int = 1) -> Built:
    """Inverted bottlenecks on small images."""
    parts = [
        *(_unit(3, 16, 3, 2), Inverted(16, 3), _unit(16, 24, 3, 2), Inverted(24, 3), Inverted(24, 5)),
        *(_unit(24, 48, 3, 2), Inverted(48, 3), Inverted(48, 5), _unit(48, 96, 3, 2), Inverted(96, 3), Inverted(96, 5)),
    ]
    return nn.Sequential(*parts), torch.rand(batch, 3, side, side)


def transformer(batch: int = 1) -> Built:
    """Four blocks on 196 tokens."""
    return nn.Sequential(*(Block(192, 3) for _ in range(4))), torch.rand(batch, 196, 192)


NETWORKS: tuple[Network, ...] = (detector, mobile, lambda: mobile(32), transformer)
"""Those that are measured; the small image leaves little but overhead."""

CARD_NETWORKS: tuple[Network, ...] = (
    *(detector, mobile, transformer),
    *(lambda: detector(64), lambda: mobile(160, 128), lambda: transformer(128)),
)
"""The same for a card: of one image it waits for the processor, of many the processor for it."""
