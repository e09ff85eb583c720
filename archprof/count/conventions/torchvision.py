"""What torchvision publishes as its models' GFLOPS, ``_ops`` in the meta data of their weights, in fact GMACs.

The counter is in torchvision's tests (test/common_extended_utils.py, pull request 6936): a dispatch mode that adds up
the multiply-accumulates of the operations below, without biases, and rounds to three decimals. It ran in 2022,
when attention still was the products that it is made of, so the published figures hold those too. They are for one
image as the weights' own transforms make it (its crop size, or 520 × 520 for segmentation), and for segmentation
with the auxiliary head that the weights bring.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.count.conventions.subject import operation_items
from archprof.count.figures import Figures

if TYPE_CHECKING:
    from archprof.count.conventions.subject import Subject
    from archprof.count.ledger import Entry

_COUNTED = """
    convolution mm addmm bmm matmul linear _scaled_dot_product_flash_attention
    _scaled_dot_product_flash_attention_for_cpu _scaled_dot_product_efficient_attention
    _scaled_dot_product_cudnn_attention _scaled_dot_product_fused_attention_overrideable
    _scaled_dot_product_attention_math _native_multi_head_attention _transformer_encoder_layer_fwd
"""
COUNTED = frozenset(f"aten.{name}" for name in _COUNTED.split())
"""The operations that it counts; those from linear on were convolutions, mm, addmm and bmm when it ran."""


def figures(subject: Subject) -> Figures:
    """The MACs of the operations that torchvision's counter knows."""
    return Figures(operation_items(subject, _amount))


def _amount(entry: Entry) -> int:
    return entry.count.macs if entry.operation.name in COUNTED else 0
