"""A model as ONNX, for the backends that read it."""

from __future__ import annotations

import contextlib
import io
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from archprof.latency.backends.interface import Flat

if TYPE_CHECKING:
    from torch import Tensor, nn


def export(module: nn.Module, inputs: tuple[Tensor, ...]) -> bytes:
    """The model, for these very shapes, as an ONNX file's bytes; its inputs are named input0, input1 ...

    The exporter is the one that traces: it takes what the other one does, in a tenth of the time.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        warnings.catch_warnings(),
        torch.no_grad(),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        file = Path(folder, "model.onnx")
        flat = Flat(module)
        flat(*inputs)  # anchors and other tensors that a model makes once are there before it is traced
        names = [f"input{index}" for index in range(len(inputs))]
        torch.onnx.export(flat, inputs, file, input_names=names, dynamo=False)
        return file.read_bytes()
