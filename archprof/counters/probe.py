"""A model so small that its cost is known by heart, to see whether a counter works at all."""

from __future__ import annotations

import torch
from torch import nn

SIDE = 32
"""Height and width of the probe's image, which is as small as Ultralytics' counter takes."""

# The convolution gives 4 × 32 × 32 elements of 3 · 3 · 3 products; the linear layer has 4 · 32 · 32 inputs, 10 outputs.
EXPECTED = 4 * 32 * 32 * 27 + 4096 * 10
"""Its multiply-accumulates: 151,552."""


def probe_case() -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    """Three layers that every counter should know, without bias, and one image of shape (1, 3, 32, 32)."""
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1, bias=False),
        nn.Flatten(),
        nn.Linear(4 * SIDE * SIDE, 10, bias=False),
    )
    return model.eval(), (torch.zeros(1, 3, SIDE, SIDE),)
