"""Folds what training needs and deployment does not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from archprof.build.meta import on_meta

if TYPE_CHECKING:
    from archprof.build.built import Built


def fuse(built: Built) -> Built:
    """The same model as deployed: batch norms folded into convolutions, training-only branches dropped.

    The module is changed in place.
    """
    from ultralytics.nn.tasks import BaseModel

    device = next((parameter.device for parameter in built.module.parameters()), torch.device("cpu"))
    # Ultralytics makes some of the folded convolutions on torch's default device.
    with torch.no_grad(), on_meta() if device.type == "meta" else device:
        if isinstance(built.module, BaseModel):
            built.module.fuse(verbose=False)
    built.module.requires_grad_(False)  # nothing is trained after it
    return replace(built, fused=True)
