"""LLaMA-1B, and the same network with a mixture of experts for one projection of its feed-forward networks.

Sources: ParameterNet (arXiv 2306.14525, table 7) and the code that Huawei Noah's Ark Lab published with it;
LLaMA (arXiv 2302.13971).
"""

from __future__ import annotations

from torch import nn

from archprof import Call, RowContext, register
from archprof.builder.rules import with_channels
from model_zoo.llama.blocks import DecoderLayer

FAMILY = "llama"


def embedding_rule(row: RowContext) -> Call:
    """``[vocabulary, hidden]``; reads token numbers."""
    return Call(row.arguments, row.arguments[1])


def linear_rule(row: RowContext) -> Call:
    """``[features, bias]``, not scaled by the width."""
    return Call((row.inputs[0], *row.arguments), row.arguments[0])


register("Embedding", nn.Embedding, rule=embedding_rule, family=FAMILY)
register("DecoderLayer", DecoderLayer, rule=with_channels, family=FAMILY)
register("RMSNorm", nn.RMSNorm, rule=with_channels, family=FAMILY)
register("Linear", nn.Linear, rule=linear_rule, family=FAMILY)
