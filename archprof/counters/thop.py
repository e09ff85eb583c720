"""thop: the one that is installed, whoever installed it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from archprof.counters import COUNTERS
from archprof.counters.interface import Answer, Counter
from archprof.counters.owner import claimants
from archprof.counters.watch import Watched, noted, recorded

if TYPE_CHECKING:
    import torch
    from torch import nn


class Thop(Counter):
    """``thop.profile`` on the input as it is."""

    name = "thop"
    distribution = "ultralytics-thop"
    package = "thop"
    unit = "MACs"

    @property
    def version(self) -> str | None:
        """The version of whoever the import name belongs to, with its name unless it is the usual one."""
        for owner in claimants(self.package):
            if owner.intact:
                return owner.version if owner.name == self.distribution else f"{owner.name} {owner.version}"
        return None

    def count(self, model: nn.Module, inputs: tuple[torch.Tensor, ...]) -> Answer:
        """Its numbers stand at the modules; those of functions it only adds up, so its rules are listened to."""
        import thop

        watched = Watched(model, lambda inner: noted(inner, "total_ops", descend=True, once=True))
        # The package hides its module of that name behind its function of that name.
        functions = getattr(sys.modules["thop.profile"], "functional_hooks", {})
        with recorded(model, functions) as products:
            total, *_ = thop.profile(watched, inputs=inputs, verbose=False)
        return Answer(total, int(total), lambda: [*watched.items, *products])


COUNTERS.register(Thop.name, Thop())
