"""The GFLOPs that the installed Ultralytics prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.builder.ultralytics_import import import_ultralytics
from archprof.counters import COUNTERS
from archprof.counters.interface import Answer, Counter
from archprof.counters.thop import Thop

if TYPE_CHECKING:
    import torch
    from torch import nn


class Ultralytics(Counter):
    """``get_flops``: twice what thop finds for one image, extrapolated from smaller ones where thop can."""

    name = "ultralytics"
    distribution = "ultralytics"
    package = "ultralytics.utils.torch_utils"
    unit = "GFLOPs"
    per_image = True
    rest = "extrapolated from smaller images"

    def load(self) -> None:
        """Import it without a trace in the user's settings."""
        import_ultralytics()
        super().load()

    def count(self, model: nn.Module, inputs: tuple[torch.Tensor, ...]) -> Answer:
        """The parts are thop's for one image of the full size."""
        from ultralytics.utils.torch_utils import get_flops

        image = inputs[0][:1]
        if image.ndim != 4:
            raise ValueError("it takes images only")
        gflops = float(get_flops(model, list(image.shape[-2:])))
        if not gflops:
            raise RuntimeError("it gives 0.0, as it does wherever thop fails")
        return Answer(gflops, round(gflops * 1e9 / 2), lambda: Thop().count(model, (image,)).items())


COUNTERS.register(Ultralytics.name, Ultralytics())
