"""LLaMA's decoder layer: rotary attention and a gated feed-forward network, each behind an RMSNorm."""

from __future__ import annotations

import torch
from timm.layers import SwiGLU
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from model_zoo.dynamic import check_experts
from model_zoo.llama.experts import MixtureLinear

PROJECTIONS = {"gate": "fc1_g", "up": "fc1_x", "down": "fc2"}
"""What timm's SwiGLU calls the three projections."""


def rotate(x: Tensor) -> Tensor:
    """Turn the first half of the features against the second by their token's position.

    (B, heads, length, features) -> the same. The frequencies fall from 1 to 1/10000, as in LLaMA
    (arXiv 2104.09864, equation 15).
    """
    length, features = x.shape[-2:]
    frequencies = 10000.0 ** (torch.arange(0, features, 2, device=x.device) / -features)
    angles = torch.arange(length, device=x.device).unsqueeze(-1) * frequencies
    cosine, sine = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cosine - second * sine, second * cosine + first * sine), dim=-1)


class CausalAttention(nn.Module):
    """Multi-head self-attention with rotary positions, without biases: (B, length, c) -> (B, length, c)."""

    def __init__(self, c: int, heads: int) -> None:
        super().__init__()
        if c % (2 * heads):
            raise ValueError(f"{c} features do not divide into {heads} heads of even size")
        self.heads = heads
        self.query = nn.Linear(c, c, bias=False)
        self.key = nn.Linear(c, c, bias=False)
        self.value = nn.Linear(c, c, bias=False)
        self.out = nn.Linear(c, c, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Attend to every token up to and including one's own."""
        query, key, value = (
            layer(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for layer in (self.query, self.key, self.value)
        )
        mixed = scaled_dot_product_attention(rotate(query), rotate(key), value, is_causal=True)
        result: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return result


class DecoderLayer(nn.Module):
    """Attention, then a gated feed-forward network, each added to its input: (B, length, c) -> (B, length, c).

    Args:
        c: Features of a token.
        heads: Attention heads.
        hidden: Features inside the feed-forward network.
        experts: Weight matrices of the projection named by ``experts_on``; 1 leaves it a linear layer.
        experts_on: "gate", "up" or "down".

    Raises:
        ValueError: For a projection of another name, or where ``experts`` is no number of experts.
    """

    def __init__(self, c: int, heads: int, hidden: int, experts: int = 1, experts_on: str = "gate") -> None:
        super().__init__()
        check_experts(experts)
        if experts_on not in PROJECTIONS:
            raise ValueError(f"experts_on must be one of {', '.join(PROJECTIONS)}, not {experts_on!r}")
        self.attention_norm = nn.RMSNorm(c, eps=1e-6)
        self.attention = CausalAttention(c, heads)
        self.feed_forward_norm = nn.RMSNorm(c, eps=1e-6)
        self.feed_forward = SwiGLU(c, hidden, bias=False)
        if experts != 1:
            plain = self.feed_forward.get_submodule(PROJECTIONS[experts_on])
            mixture = MixtureLinear(plain.in_features, plain.out_features, experts)
            self.feed_forward.set_submodule(PROJECTIONS[experts_on], mixture)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise, attend, add; normalise, feed forward, add."""
        x = x + self.attention(self.attention_norm(x))
        transformed: Tensor = self.feed_forward(self.feed_forward_norm(x))
        return x + transformed
