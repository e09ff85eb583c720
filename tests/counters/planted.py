"""Counters that go wrong in every way, registered as a plugin would."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING

from archprof.counters import register_counter
from archprof.counters.interface import Answer, Counter

if TYPE_CHECKING:
    import torch
    from torch import nn


class Planted(Counter):
    distribution = package = "torch"
    unit = "MACs"


class Crashes(Planted):
    name = "crashes"

    def count(self, model: nn.Module, inputs: tuple[torch.Tensor, ...]) -> Answer:
        raise ValueError("planted\nand a second line")


class Dies(Planted):
    name = "dies"

    def count(self, model: nn.Module, inputs: tuple[torch.Tensor, ...]) -> Answer:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


class Leaves(Planted):
    name = "leaves"

    def count(self, model: nn.Module, inputs: tuple[torch.Tensor, ...]) -> Answer:
        sys.exit("I have had enough")


class Sleeps(Planted):
    name = "sleeps"

    def count(self, model: nn.Module, inputs: tuple[torch.Tensor, ...]) -> Answer:
        time.sleep(600)
        raise AssertionError


class Litters(Planted):
    name = "litters"

    def count(self, model: nn.Module, inputs: tuple[torch.Tensor, ...]) -> Answer:
        print("rubbish")
        os.write(1, b"rubbish below Python")
        model.register_buffer("rubbish", next(model.parameters()).clone())
        model.register_forward_hook(lambda *_: None)
        return Answer(len(list(model.buffers())), 1)


class LooksForRubbish(Planted):
    name = "looks"

    def count(self, model: nn.Module, inputs: tuple[torch.Tensor, ...]) -> Answer:
        left = hasattr(model, "rubbish") or any(module._forward_hooks for module in model.modules())
        return Answer(int(left), int(left))


for planted in (Crashes(), Dies(), Leaves(), Sleeps(), Litters(), LooksForRubbish()):
    register_counter(planted)
