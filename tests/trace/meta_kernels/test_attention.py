"""Attention takes and refuses what it does on the CPU: masks of every shape and type, and other operands' types."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - everybody's name for it
from torch import nn

from archprof.errors import RunError
from archprof.trace.run import trace

MASKS: list[tuple[int, ...] | None] = [
    *(None, (4, 5), (5,), (1, 1), (2, 3, 4, 5), (2, 1, 4, 5), (4, 4), (3, 4, 5), (2, 3, 4, 1), ()),
]
QUERIES, KEYS = [(2, 3, 4, 8), (3, 4, 8)], [(2, 3, 5, 8), (3, 5, 8), (2, 1, 5, 8)]
MASK_TYPES = (torch.bool, torch.float32, torch.float16, torch.int64)


class Attention(nn.Module):
    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.options = options

    def forward(self, query: torch.Tensor, key: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        return F.scaled_dot_product_attention(query, key, key, mask, **self.options)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.int64], ids=str)
@pytest.mark.parametrize("shape", MASKS, ids=str)
def test_attention_takes_what_it_takes_on_the_cpu(
    shape: tuple[int, ...] | None, dtype: torch.dtype, causal: bool
) -> None:
    model = Attention(is_causal=causal)
    for query_shape, key_shape, mask_type in product(QUERIES, KEYS, MASK_TYPES):
        mask = None if shape is None else torch.ones(shape, dtype=mask_type)
        inputs = (torch.ones(query_shape, dtype=dtype), torch.ones(key_shape, dtype=dtype), mask)
        try:
            expected = model(*inputs)
        except RuntimeError as error:
            if "not implemented for" not in str(error):
                with pytest.raises(RunError):
                    trace(model, inputs)
        except IndexError:
            with pytest.raises(RunError):
                trace(model, inputs)
        else:
            assert trace(model, inputs).calls[0].outputs[0].shape == expected.shape
