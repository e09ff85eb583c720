"""Folds batch norms into the convolutions before them, in a model whose author did not say which belong together.

The order in which a model's modules are registered tells nothing for certain (a pre-activation network has its
batch norms before its convolutions), so a pass over the model is asked: a batch norm is folded where it is all that
ever reads the one result of a convolution.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from archprof.builder.graph import ROW_MARKS
from archprof.trace.record import TensorInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archprof.trace.record import Operation, Trace

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


def fold(trace: Trace) -> None:
    """Fold what a pass showed to belong together, in place.

    A folded batch norm leaves the activation that it applies, if it does, or nothing.
    """
    model = trace.model
    for weight, mean in list(_pairs(trace)):
        convolution, path = model.get_submodule(_owner(weight)), _owner(mean)
        norm: Any = model.get_submodule(path)
        rest = _rest(norm)
        if rest is None or not isinstance(convolution, (nn.Conv1d, nn.Conv2d, nn.Conv3d)):
            continue
        convolution.weight, convolution.bias = fuse_conv_bn_weights(
            convolution.weight,
            convolution.bias,
            norm.running_mean,
            norm.running_var,
            norm.eps,
            norm.weight,
            norm.bias,
        )
        for mark in vars(norm).keys() & ROW_MARKS:  # a row of its own
            setattr(rest, mark, getattr(norm, mark))
        parent, _, name = path.rpartition(".")
        setattr(model.get_submodule(parent), name, rest)


def _pairs(trace: Trace) -> Iterator[tuple[str, str]]:
    """The weight of each convolution and the running mean of the batch norm that alone reads its result."""
    reads = Counter(storage for operation in trace.operations for storage in _storages(operation))
    outputs = {info.storage for info in trace.calls[0].outputs}
    weights: dict[int, str] = {}
    for operation in trace.operations:
        if operation.function is torch.ops.aten.convolution.default:
            weight = operation.arguments[1]
            if weight.parameter and reads[weight.storage] == 1:
                weights[operation.outputs[0].storage] = weight.parameter
        elif operation.name in ("aten.native_batch_norm", "aten.cudnn_batch_norm"):
            source, _, _, mean = operation.arguments[:4]
            weight_path = weights.get(source.storage)
            alone = reads[source.storage] == 1 and source.storage not in outputs
            if weight_path and alone and mean is not None and mean.parameter and reads[mean.storage] == 1:
                yield weight_path, mean.parameter


def _storages(operation: Operation) -> set[int]:
    """The memory that an operation reads."""

    def flat(value: Any) -> Iterator[int]:
        if isinstance(value, TensorInfo):
            yield value.storage
        elif isinstance(value, (list, tuple)):
            for item in value:
                yield from flat(item)

    return {*flat(operation.arguments), *flat(tuple(operation.keywords.values()))}


def _rest(norm: Any) -> nn.Module | None:
    """What a folded batch norm leaves behind; None where its class does more than is known of it."""
    from timm.layers.norm_act import BatchNormAct2d

    if type(norm) in NORMS:
        return nn.Identity()
    if type(norm) is BatchNormAct2d:
        return nn.Sequential(norm.drop, norm.act)
    return None


def _owner(parameter: str) -> str:
    return parameter.rpartition(".")[0]
