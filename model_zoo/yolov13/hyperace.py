"""Hypergraph-based adaptive correlation enhancement: features of three levels correlated through hyperedges.

Source: arXiv 2506.17733, section 3.2.
"""

from __future__ import annotations

from typing import Literal, cast

import torch
from torch import Tensor, nn
from ultralytics.nn.modules.conv import Conv

from model_zoo.yolov13.blocks import DSBottleneck, DSC3k

Context = Literal["mean", "max", "both"]
HEAD_WIDTH = 16


class HyperedgeGenerator(nn.Module):
    """How much each of N vertices takes part in each hyperedge: (B, N, D) -> (B, N, hyperedges).

    The prototypes of the hyperedges are learned, and shifted by the vertices' mean, maximum or both; a vertex takes
    part by its likeness to them. The shares of one hyperedge add up to 1 over the vertices.
    """

    def __init__(self, dim: int, hyperedges: int, heads: int, dropout: float = 0.1, context: Context = "both") -> None:
        super().__init__()
        self.heads, self.context = heads, context
        self.prototypes = nn.Parameter(nn.init.xavier_uniform_(torch.empty(hyperedges, dim)))
        self.shift = nn.Linear(2 * dim if context == "both" else dim, hyperedges * dim)
        self.project = nn.Linear(dim, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Compare vertices with prototypes, head by head."""
        summaries = {"mean": lambda: x.mean(1), "max": lambda: x.amax(1)}
        wanted = ("mean", "max") if self.context == "both" else (self.context,)
        shift = self.shift(torch.cat([summaries[name]() for name in wanted], dim=-1))
        prototypes = self.prototypes + torch.unflatten(shift, 1, self.prototypes.shape)
        vertices = self._per_head(self.project(x))
        likeness = vertices @ self._per_head(prototypes).mT * vertices.shape[-1] ** -0.5
        return cast("Tensor", self.dropout(likeness.mean(1)).softmax(1))

    def _per_head(self, x: Tensor) -> Tensor:
        """(B, N, D) -> (B, heads, N, D / heads)."""
        return torch.unflatten(x, 2, (self.heads, -1)).transpose(1, 2)


class HypergraphConvolution(nn.Module):
    """Vertices to hyperedges and back, with a residual: (B, N, D) -> (B, N, D)."""

    def __init__(self, dim: int, hyperedges: int, heads: int, context: Context) -> None:
        super().__init__()
        self.generator = HyperedgeGenerator(dim, hyperedges, heads, context=context)
        self.to_edges = nn.Sequential(nn.Linear(dim, dim), nn.GELU())
        self.to_vertices = nn.Sequential(nn.Linear(dim, dim), nn.GELU())

    def forward(self, x: Tensor) -> Tensor:
        """Gather into hyperedges, scatter back."""
        shares = self.generator(x)
        edges = self.to_edges(shares.mT @ x)
        return cast("Tensor", x + self.to_vertices(shares @ edges))


class HypergraphComputation(nn.Module):
    """The same with an image's pixels as the vertices: (B, C, H, W) -> (B, C, H, W)."""

    def __init__(self, channels: int, hyperedges: int, heads: int, context: Context) -> None:
        super().__init__()
        self.hypergraph = HypergraphConvolution(channels, hyperedges, heads, context)

    def forward(self, x: Tensor) -> Tensor:
        """Unroll the pixels, correlate, roll them up."""
        y: Tensor = self.hypergraph(x.flatten(2).mT)
        return torch.unflatten(y.mT, 2, x.shape[2:])


class C3AH(nn.Module):
    """A C3 with hypergraph computation in it: (B, c1, H, W) -> (B, c2, H, W)."""

    def __init__(self, c1: int, c2: int, e: float = 1.0, hyperedges: int = 8, context: Context = "both") -> None:
        super().__init__()
        hidden = int(c2 * e)
        if hidden % HEAD_WIDTH:
            raise ValueError(f"C3AH: c2 · e = {hidden} hidden channels, not a multiple of {HEAD_WIDTH}")
        self.cv1 = Conv(c1, hidden, 1)
        self.cv2 = Conv(c1, hidden, 1)
        self.m = HypergraphComputation(hidden, hyperedges, hidden // HEAD_WIDTH, context)
        self.cv3 = Conv(2 * hidden, c2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Correlate one half, mix it with the other."""
        return cast("Tensor", self.cv3(torch.cat([self.m(self.cv1(x)), self.cv2(x)], 1)))


class Fuse(nn.Module):
    """Three levels brought to the middle one's size and mixed.

    [(B, C, 2H, 2W), (B, C, H, W), (B, C', H/2, W/2)] -> (B, C, H, W), C' being 2C with ``channel_adjust``, else C.
    """

    def __init__(self, channels: int, channel_adjust: bool) -> None:
        super().__init__()
        self.down = nn.AvgPool2d(2)
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.mix = Conv((4 if channel_adjust else 3) * channels, channels, 1)

    def forward(self, x: list[Tensor]) -> Tensor:
        """Shrink the fine map, grow the coarse one, mix."""
        fine, middle, coarse = x
        return cast("Tensor", self.mix(torch.cat([self.down(fine), middle, self.up(coarse)], 1)))


class HyperACE(nn.Module):
    """Two hypergraph branches for high-order and a chain of blocks for low-order correlations.

    [(B, c1, 2H, 2W), (B, c1, H, W), (B, 2 · c1, H/2, W/2)] -> (B, c2, H, W).

    Args:
        c1: Channels of the middle map.
        c2: Channels out.
        n: Low-order blocks.
        hyperedges: Hyperedges of each hypergraph.
        dsc3k: Whether a low-order block is a DSC3k, and not one bottleneck.
        shortcut: Whether their bottlenecks add their input.
        e1: Channels of a branch over c2.
        e2: Hidden channels of a hypergraph branch over its channels.
        context: What the prototypes are shifted by: "mean", "max" or "both".
        channel_adjust: Whether the coarse map has 2 · c1 channels; it has c1 where not.
    """

    def __init__(
        self,
        c1: int,
        c2: int,
        n: int = 1,
        hyperedges: int = 8,
        dsc3k: bool = True,
        shortcut: bool = False,
        e1: float = 0.5,
        e2: float = 1.0,
        context: Context = "both",
        channel_adjust: bool = True,
    ) -> None:
        super().__init__()
        c = int(c2 * e1)
        self.fuse = Fuse(c1, channel_adjust)
        self.cv1 = Conv(c1, 3 * c, 1)
        self.high1 = C3AH(c, c, e2, hyperedges, context)
        self.high2 = C3AH(c, c, e2, hyperedges, context)
        self.low = nn.ModuleList(
            DSC3k(c, c, 2, shortcut, k1=3, k2=7) if dsc3k else DSBottleneck(c, c, shortcut) for _ in range(n)
        )
        self.cv2 = Conv((4 + n) * c, c2, 1)

    def forward(self, x: list[Tensor]) -> Tensor:
        """Fuse the levels, correlate them three ways, mix."""
        kept, middle, last = self.cv1(self.fuse(x)).chunk(3, 1)
        low = [last]
        for block in self.low:
            low.append(block(low[-1]))
        return cast("Tensor", self.cv2(torch.cat([kept, self.high1(middle), self.high2(middle), *low], 1)))
