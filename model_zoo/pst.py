"""Pyramid Sparse Transformer: a fine map attends to the coarser one above it.

Source: "Pyramid Sparse Transformer", arXiv 2505.12772.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
from ultralytics.nn.modules.conv import Conv

from archprof import Call

if TYPE_CHECKING:
    from archprof import RowContext

HEAD_WIDTH = 32


class CrossAttention(nn.Module):
    """Queries of a fine map over keys and values of a coarse one; with ``k``, over the best fine ones too.

    (B, C, H, W), (B, C, H', W') -> (B, C, H, W).
    """

    def __init__(self, channels: int, k: int) -> None:
        super().__init__()
        self.heads, self.k = channels // HEAD_WIDTH, k
        self.query = Conv(channels, channels, 1, act=False)
        self.key_value = Conv(channels, 2 * channels, 1, act=False)
        self.position = Conv(channels, channels, 7, g=channels, act=False)
        self.project = Conv(channels, channels, 1, act=False)
        # There at every k, as published: the refinement can be switched on without training anew.
        self.gate = nn.Conv1d(2 * HEAD_WIDTH, HEAD_WIDTH, 1)

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        """Attend, add the values' positional term, project."""
        size, coarse_size = fine.shape[2:], coarse.shape[2:]
        query = self._per_head(self.query(fine))
        key, value = self._per_head(self.key_value(coarse)).chunk(2, dim=-1)
        scores = query @ key.mT * HEAD_WIDTH**-0.5
        y = scores.softmax(-1) @ value
        if self.k and not self.training:
            y = self._refine(y, query, scores, fine, coarse_size)
        place = interpolate(self.position(self._map(value, coarse_size)), size, mode="bilinear")
        projected: Tensor = self.project(self._map(y, size) + place)
        return projected

    def _refine(self, y: Tensor, query: Tensor, scores: Tensor, fine: Tensor, coarse_size: torch.Size) -> Tensor:
        """Blend in attention over the fine pixels under the k coarse ones that score best on average."""
        width = fine.shape[3]
        best = scores.mean(2).topk(min(self.k, scores.shape[-1]), dim=-1).indices
        corner = best // coarse_size[1] * 2 * width + best % coarse_size[1] * 2
        pixels = torch.cat([corner, corner + 1, corner + width, corner + width + 1], dim=-1)[..., None]
        pairs = self._per_head(self.key_value(fine))
        key, value = pairs.gather(2, pixels.expand(-1, -1, -1, 2 * HEAD_WIDTH)).chunk(2, dim=-1)
        refined = (query @ key.mT * HEAD_WIDTH**-0.5).softmax(-1) @ value
        both = torch.cat([y, refined], dim=-1).flatten(0, 1).mT
        gate: Tensor = torch.unflatten(self.gate(both).sigmoid().mT, 0, y.shape[:2])
        blended: Tensor = gate * refined + (1 - gate) * y
        return blended

    def _per_head(self, x: Tensor) -> Tensor:
        """(B, heads · D, H, W) -> (B, heads, H · W, D)."""
        return torch.unflatten(x, 1, (self.heads, -1)).flatten(3).mT

    @staticmethod
    def _map(x: Tensor, size: torch.Size) -> Tensor:
        """(B, heads, H · W, D) -> (B, heads · D, H, W)."""
        return torch.unflatten(x.mT.flatten(1, 2), 2, size)


class PSTBlock(nn.Module):
    """Cross attention and an MLP of two 1×1 convolutions, each with a residual."""

    def __init__(self, channels: int, mlp_ratio: float, k: int) -> None:
        super().__init__()
        hidden = int(channels * mlp_ratio)
        self.attention = CrossAttention(channels, k)
        self.mlp = nn.Sequential(Conv(channels, hidden, 1), Conv(hidden, channels, 1, act=False))

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        """(B, C, H, W), (B, C, H', W') -> (B, C, H, W)."""
        fine = fine + self.attention(fine, coarse)
        return cast("Tensor", fine + self.mlp(fine))


class PST(nn.Module):
    """[(B, c1, H, W), (B, c_up, H/2, W/2)] -> (B, c2, H, W).

    Args:
        c1: Channels of the fine map.
        c_up: Channels of the coarse map.
        c2: Channels out.
        n: Attention blocks.
        mlp_ratio: Hidden channels of a block's MLP over its channels.
        e: Channels of the blocks over c2; they must come to a multiple of 32.
        k: Coarse pixels under which to attend to the fine ones at inference; 0 for none.
    """

    def __init__(
        self, c1: int, c_up: int, c2: int, n: int = 1, mlp_ratio: float = 2.0, e: float = 0.5, k: int = 0
    ) -> None:
        super().__init__()
        hidden = int(c2 * e)
        if hidden % HEAD_WIDTH:
            raise ValueError(f"PST: c2 · e = {hidden} hidden channels, not a multiple of {HEAD_WIDTH}")
        self.cv1 = Conv(c1, hidden, 1)
        self.cvup = Conv(c_up, hidden, 1)
        self.cv2 = Conv((1 + n) * hidden, c2, 1)
        # Direct children and no list around them: the published module count has none.
        for i in range(n):
            self.add_module(f"block{i}", PSTBlock(hidden, mlp_ratio, k))
        self.n = n

    def forward(self, x: list[Tensor]) -> Tensor:
        """Attend n times to the coarse map, and mix all that came of it."""
        fine, coarse = x
        y, coarse = [self.cv1(fine)], self.cvup(coarse)
        for i in range(self.n):
            y.append(self.get_submodule(f"block{i}")(y[-1], coarse))
        return cast("Tensor", self.cv2(torch.cat(y, 1)))


def pair(row: RowContext) -> Call:
    """``(c1, c_up, c2, repeats, *rest)``.

    Raises:
        ValueError: Where the row does not read two others.
    """
    if len(row.inputs) != 2:
        raise ValueError(f"it reads a fine map and a coarse one, not {len(row.inputs)} of them")
    fine, coarse = row.inputs
    out = row.scaled(row.arguments[0])
    return Call((fine, coarse, out, row.repeats, *row.arguments[1:]), out)
