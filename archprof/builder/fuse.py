"""Turns a model into the one that is deployed."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from archprof.builder.inputs import make_inputs
from archprof.builder.meta import on_meta
from archprof.builder.probe_pass import device_of, observe
from archprof.errors import BuildError, in_one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

    from archprof.builder.built import Built


def fuse(built: Built) -> Built:
    """The same model as deployed: batch norms folded into convolutions, branches that only train dropped.

    A network of Ultralytics' is folded exactly as Ultralytics does it, which leaves alone what it does not know;
    in any other model every batch norm that a convolution alone feeds is folded. The module is changed in place,
    and nothing of it trains afterwards.

    Raises:
        BuildError: Where a block cannot be folded, as one that adds kernels of which one is mixed of experts.
    """
    from ultralytics.nn.tasks import BaseModel

    module = built.module
    if isinstance(module, BaseModel):
        with _in_place(module):
            try:
                module.fuse(verbose=False)
            except Exception as error:  # what a block's own fuse raises, as of kernels that cannot be added
                message = f"{built.spec.reference} cannot be fused: {in_one_line(error)}"
                raise BuildError(message, hint="leave out --fuse") from error
    if type(module) is BaseModel or not isinstance(module, BaseModel):
        _fold_any(built)
    module.requires_grad_(False)
    return replace(built, fused=True)


def _fold_any(built: Built) -> None:
    from timm.utils.model import reparameterize_model

    from archprof.builder.fold import fold

    with _in_place(built.module):
        reparameterize_model(built.module, inplace=True)
    dtype = next((parameter.dtype for parameter in built.module.parameters()), torch.float32)
    name = str(dtype).removeprefix("torch.")
    trace = observe(built.module, lambda device: make_inputs(built, dtype=name, device=str(device)))
    with _in_place(built.module):
        fold(trace)


@contextmanager
def _in_place(module: nn.Module) -> Iterator[None]:
    """Without gradients, and with new modules made where the model's are."""
    device = device_of(module)
    with torch.no_grad(), on_meta() if device.type == "meta" else device:
        yield
