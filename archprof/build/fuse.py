"""Folds what training needs and deployment does not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from archprof.build.built import Built


def fuse(built: Built) -> Built:
    """The same model as deployed: batch norms folded into convolutions, training-only branches dropped.

    The module is changed in place.
    """
    from ultralytics.nn.tasks import BaseModel

    with torch.no_grad():
        if isinstance(built.module, BaseModel):
            built.module.fuse(verbose=False)
    return replace(built, fused=True)
