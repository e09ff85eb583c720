"""A linear layer with M weight matrices, of which every token is multiplied by one."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from archprof import DynamicDeclaration


class MixtureLinear(nn.Module):
    """A bias-free linear layer of M experts with top-1 routing, as in the Switch Transformer.

    (..., c_in) -> (..., c_out). The router is one bias-free linear layer with softmax; the result is weighed by
    the chosen expert's probability. Tokens are sorted by expert, so that each is multiplied once: the products
    cost c_in · c_out MACs a token whatever M is, plus c_in · M for the router. No token is dropped.
    Source: arXiv 2101.03961, section 2.1.

    Args:
        c_in: Features in.
        c_out: Features out.
        experts: M.
    """

    def __init__(self, c_in: int, c_out: int, experts: int) -> None:
        super().__init__()
        self.router = nn.Linear(c_in, experts, bias=False)
        self.weight = nn.Parameter(torch.empty(experts, c_in, c_out))
        nn.init.uniform_(self.weight, -(c_in**-0.5), c_in**-0.5)  # nn.Linear's own range

    def dynamic_layer(self) -> DynamicDeclaration:
        """Which layer of experts it is."""
        experts, c_in, c_out = self.weight.shape
        return DynamicDeclaration(experts=experts, in_channels=c_in, out_channels=c_out, top_k=1)

    def forward(self, x: Tensor) -> Tensor:
        """Send every token to its most probable expert."""
        tokens = x.flatten(0, -2)
        probability, expert = torch.softmax(self.router(tokens), dim=-1).max(dim=-1)
        by_expert, order = expert.sort(stable=True)
        each = torch.arange(len(self.weight), device=x.device)
        ends = torch.searchsorted(by_expert, each, right=True, out_int32=True)
        products = grouped_product(tokens[order], self.weight, ends)
        out = torch.empty_like(products).index_copy(0, order, products) * probability.unsqueeze(-1)
        return out.reshape(*x.shape[:-1], -1)


def grouped_product(x: Tensor, weights: Tensor, ends: Tensor) -> Tensor:
    """Each run of rows times its own matrix.

    Args:
        x: (rows, c_in), the rows of one group next to each other.
        weights: (groups, c_in, c_out).
        ends: (groups,), the row after each group's last, int32.

    Returns:
        (rows, c_out).
    """
    if hasattr(functional, "grouped_mm"):  # torch 2.10
        return functional.grouped_mm(x, weights, offs=ends)
    # Without values nobody knows where a group ends, and it does not matter: each row is multiplied once.
    groups = x.chunk(len(weights)) if x.is_meta else x.tensor_split(ends[:-1].tolist())
    return torch.cat([rows @ weight for rows, weight in zip(groups, weights, strict=False)])
