"""Models whose cost is known by heart, for counters that run in a process of their own."""

from __future__ import annotations

import torch
from torch import nn


class Mixed(nn.Module):
    """A convolution, one run as a function, two matrix products, a linear layer, and elementwise work."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(8, 8, 1, 1))
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.act = nn.SiLU()
        self.head = nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.act(self.norm(self.conv(x)))
        x = nn.functional.conv2d(x, self.weight)
        tokens = x.flatten(2).transpose(1, 2)
        tokens = torch.softmax(tokens @ tokens.transpose(1, 2), -1) @ tokens
        return self.head(tokens)


class Shared(nn.Module):
    """One convolution under two parents, each of which runs it."""

    def __init__(self) -> None:
        super().__init__()
        conv = nn.Conv2d(3, 3, 1, bias=False)
        self.first, self.second = nn.Sequential(conv), nn.Sequential(conv)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(self.first(x))
