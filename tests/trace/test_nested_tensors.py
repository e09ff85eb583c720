"""Nested tensors, whose sequences differ in length: counted as so many plain tensors, or refused in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - everybody's name for it
from torch import nn

import archprof
from archprof.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")

LAYOUTS = pytest.mark.parametrize("layout", [torch.strided, torch.jagged], ids=str)


class Call(nn.Module):
    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: Any) -> Any:
        return self.function(*inputs)


def sequences(layout: torch.layout) -> torch.Tensor:
    """Two of them, of 3 and 5 tokens of width 8."""
    return torch.nested.nested_tensor([torch.ones(3, 8), torch.ones(5, 8)], layout=layout)


def cost(model: nn.Module, *inputs: torch.Tensor) -> tuple[int, int]:
    """MACs and elementwise FLOPs, where every operation is known."""
    model(*inputs)  # torch runs it
    profile = archprof.profile(model, inputs)
    assert profile.coverage.unknown == {}
    return profile.totals.macs, profile.totals.elementwise_flops


@LAYOUTS
def test_layers_of_single_tokens(layout: torch.layout) -> None:
    # 3 + 5 tokens, each 8 · 4 products and 4 biases.
    assert cost(nn.Linear(8, 4), sequences(layout)) == (8 * 8 * 4, 8 * 4)
    # Softmax is 5 an element, of 8 tokens of 8.
    assert cost(Call(lambda x: x.softmax(-1)), sequences(layout)) == (0, 5 * 64)
    assert cost(Call(torch.relu), sequences(layout)) == (0, 64)
    assert cost(Call(lambda x: x + x), sequences(layout)) == (0, 64)
    # Nothing is computed where sequences are taken apart, and where they are padded.
    assert cost(Call(lambda x: torch.nested.to_padded_tensor(x, 0.0)), sequences(layout)) == (0, 0)


@LAYOUTS
def test_a_padded_batch_costs_more(layout: torch.layout) -> None:
    padded, _ = cost(nn.Linear(8, 4), torch.ones(2, 5, 8))
    assert (padded, cost(nn.Linear(8, 4), sequences(layout))[0]) == (10 * 32, 8 * 32)


@LAYOUTS
def test_nested_tensors_that_a_model_makes(layout: torch.layout) -> None:
    linear = nn.Linear(8, 8)

    def forward(x: torch.Tensor) -> torch.Tensor:
        nested = torch.nested.as_nested_tensor([x[0, :3], x[1, :5]], layout=layout)
        return torch.nested.to_padded_tensor(linear(nested), 0.0)

    model = Call(forward)
    model.linear = linear
    assert cost(model, torch.ones(2, 6, 8))[0] == 8 * 8 * 8


def test_products_of_each_sequence_with_itself() -> None:
    # 3 · 8 by 8 · 3, and 5 · 8 by 8 · 5.
    model = Call(lambda x: torch.bmm(x, x.transpose(-1, -2)))
    assert cost(model, sequences(torch.strided)) == (3 * 3 * 8 + 5 * 5 * 8, 0)
    # With a matrix for each sequence: 3 and 5 tokens, 8 · 2 each.
    model = Call(lambda x, y: torch.bmm(x, torch.nested.as_nested_tensor([*y])))
    assert cost(model, sequences(torch.strided), torch.ones(2, 8, 2)) == (8 * 8 * 2, 0)


def test_attention_within_each_sequence() -> None:
    def attend(x: torch.Tensor) -> torch.Tensor:
        heads = x.unflatten(-1, (2, 4)).transpose(1, 2)
        return F.scaled_dot_product_attention(heads, heads, heads)

    # In both of 2 heads of width 4, 3 · 3 and 5 · 5 scores, and as many products with values: 2 · 2 · 34 · 4.
    macs, flops = cost(Call(attend), sequences(torch.jagged))
    assert macs == 2 * 2 * 34 * 4
    # Softmax of 2 · 34 scores; torch scales queries and keys, 64 elements each, and finds out three times how long the
    # two sequences are.
    assert flops == 5 * 2 * 34 + 2 * 64 + 3 * 2


def test_layers_that_take_nested_tensors_in_one_operation() -> None:
    attention = nn.MultiheadAttention(8, 2, batch_first=True).eval()
    with torch.no_grad():
        macs, _ = cost(Call(lambda x: attention(x, x, x, need_weights=False)[0]), sequences(torch.strided))
        # Four projections of 8 tokens, 8 · 8 each; scores and products with values as above, of width 8.
        assert macs == 4 * 8 * 64 + 2 * 34 * 8
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
        macs, _ = cost(layer, sequences(torch.strided))
        # And two layers between 8 and 16.
        assert macs == 4 * 8 * 64 + 2 * 34 * 8 + 2 * 8 * 8 * 16


REFUSED: dict[str, Callable[[torch.Tensor], Any]] = {
    "matmul with a plain matrix": lambda x: torch.matmul(x, torch.ones(8, 8)),
    "a sum that leaves no dimension": lambda x: x.sum(-1),
    "sizes": lambda x: x.shape,
    "attention in heads cut by sizes": lambda x: x.view(x.shape[0], -1, 2, 4),
    "strides": lambda x: x.stride(),
    "cumsum": lambda x: x.cumsum(-1),
    "sort": lambda x: x.sort(-1),
    "convolution": lambda x: F.conv1d(x, torch.ones(4, 8, 1)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_torch_refuses_is_refused_in_plain_words(name: str) -> None:
    with pytest.raises((RuntimeError, NotImplementedError)):
        REFUSED[name](sequences(torch.strided))
    with pytest.raises(RunError) as caught:
        archprof.profile(Call(REFUSED[name]), (sequences(torch.strided),))
    text = f"{caught.value} {caught.value.hint}".lower()
    assert not any(words in text for words in ("internal assert", "internal error", "file an issue", "report a bug"))
