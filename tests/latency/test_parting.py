"""Exports that lose something, named with the node where they part from eager PyTorch."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import nn

from archprof.errors import RunError
from archprof.latency.backends import find_backend
from archprof.latency.backends.interface import Flat, Settings
from archprof.latency.backends.onnx_export import EXPORTERS
from archprof.latency.output_capture import output_logged
from archprof.latency.parting import parting


class MaskedAttention(nn.Module):
    """Attention of which no key is allowed for the first query: 0 in torch, the mean in the file."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        mask = torch.ones(values.shape[-2], values.shape[-2], dtype=torch.bool).tril(-1)
        return nn.functional.scaled_dot_product_attention(values, values, values, attn_mask=mask)


def values(*shape: int) -> tuple[torch.Tensor]:
    return (torch.randn(shape, generator=torch.Generator().manual_seed(0)),)


def test_a_divisor_that_is_lost() -> None:
    """Neither exporter writes it, and no backend that runs the file takes it."""
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AvgPool2d(2, divisor_override=3), nn.ReLU()).eval()

    with pytest.raises(RunError, match="no ONNX export of it runs and agrees") as caught:
        find_backend("onnxruntime").prepare(module, values(1, 3, 8, 8), Settings())

    assert "they part at AvgPool2d module.1, which is AveragePool " in caught.value.message


def test_a_row_that_is_masked_everywhere() -> None:
    """It is 0 in torch; what the exporter of torch.export writes makes it the mean."""
    flat = Flat(nn.Sequential(nn.Linear(4, 4), MaskedAttention()).eval())
    inputs = values(1, 1, 6, 4)
    with warnings.catch_warnings(), output_logged("the exporter"), torch.no_grad():
        warnings.simplefilter("ignore")
        content = EXPORTERS["dynamo"](flat, inputs)

    sentence = parting(flat, inputs, content, "float32")

    assert sentence is not None
    assert sentence.startswith("they part at MaskedAttention module.1, which is ")


def test_an_export_without_a_loss() -> None:
    flat = Flat(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval())
    inputs = values(1, 3, 8, 8)
    with warnings.catch_warnings(), output_logged("the exporter"), torch.no_grad():
        warnings.simplefilter("ignore")
        content = EXPORTERS["torchscript"](flat, inputs)

    assert parting(flat, inputs, content, "float32") == (
        "in ONNX Runtime without optimisations every module of the file gives eager PyTorch's numbers"
    )


def test_a_runtime_that_computes_otherwise_is_told_from_a_file_that_is_wrong() -> None:
    """OpenVINO counts cells outside the padding in averages with ceil_mode; the file is right."""
    module = nn.Sequential(nn.AvgPool2d(3, stride=2, padding=1, ceil_mode=True)).eval()

    with pytest.raises(RunError) as caught:
        find_backend("openvino").prepare(module, values(1, 1, 6, 6), Settings())

    assert "every module of the file gives eager PyTorch's numbers" in caught.value.message
