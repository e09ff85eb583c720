"""YOLOv13's area attention, which is not the one that Ultralytics has under the same name.

Queries and keys share one convolution and the values have their own (Ultralytics: one for all three), and the
positional convolution is 5×5 (Ultralytics: 7×7).
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from ultralytics.nn.modules import block as stock
from ultralytics.nn.modules.conv import Conv


class AreaAttention(nn.Module):
    """Self-attention within each of ``area`` bands of consecutive pixels: (B, C, H, W) -> (B, C, H, W).

    Args:
        dim: Channels.
        num_heads: Heads.
        area: Bands; H · W must be a multiple of it.
    """

    def __init__(self, dim: int, num_heads: int, area: int) -> None:
        super().__init__()
        self.num_heads, self.area = num_heads, area
        self.qk = Conv(dim, 2 * dim, 1, act=False)
        self.v = Conv(dim, dim, 1, act=False)
        self.pe = Conv(dim, dim, 5, g=dim, act=False)
        self.proj = Conv(dim, dim, 1, act=False)

    def forward(self, x: Tensor) -> Tensor:
        """Attend within bands, add the values' positional term, project."""
        query, key = (self._bands(half) for half in self.qk(x).chunk(2, dim=1))
        values = self.v(x)
        scores = query @ key.mT * query.shape[-1] ** -0.5
        y = scores.softmax(-1) @ self._bands(values)
        # (B · area, heads, N, D) -> (B, C, H, W)
        y = torch.unflatten(y.transpose(1, 2).reshape(len(x), -1, x.shape[1]).mT, 2, x.shape[2:])
        return cast("Tensor", self.proj(y + self.pe(values)))

    def _bands(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B · area, heads, H · W / area, C / heads)."""
        bands = x.flatten(2).mT.reshape(len(x) * self.area, -1, self.num_heads, x.shape[1] // self.num_heads)
        return bands.transpose(1, 2)


class ABlock(stock.ABlock):
    """Area attention and an MLP, each with a residual: (B, C, H, W) -> (B, C, H, W)."""

    def __init__(self, dim: int, num_heads: int, mlp_ratio: float = 1.2, area: int = 1) -> None:
        super().__init__(dim, num_heads, mlp_ratio, area)
        self.attn = AreaAttention(dim, num_heads, area)
        self.attn.apply(self._init_weights)


class A2C2f(stock.A2C2f):
    """Ultralytics' A2C2f with YOLOv13's area attention in it; arguments as there."""

    def __init__(
        self,
        c1: int,
        c2: int,
        n: int = 1,
        a2: bool = True,
        area: int = 1,
        residual: bool = False,
        mlp_ratio: float = 2.0,
        e: float = 0.5,
        g: int = 1,
        shortcut: bool = True,
    ) -> None:
        super().__init__(c1, c2, n, a2, area, residual, mlp_ratio, e, g, shortcut)
        if a2:
            hidden = int(c2 * e)
            self.m = nn.ModuleList(
                nn.Sequential(*(ABlock(hidden, hidden // 32, mlp_ratio, area) for _ in range(2))) for _ in range(n)
            )
