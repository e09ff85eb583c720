"""A model that was built, run and counted: what every analysis of it begins with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from archprof.builder.built import Built
    from archprof.count.ledger import Ledger
    from archprof.trace.run import RunSpec


@dataclass(frozen=True, slots=True)
class CountedModel:
    """A model with the cost of every operation that it ran.

    Attributes:
        built: The model.
        inputs: What it was run on.
        ledger: Every operation with its cost.
        run: How it was run.
        device: Where it ran.
        seconds: How long the pass and the count took.
        remarks: What a reader of the figures should know of the pass.
    """

    built: Built
    inputs: tuple[torch.Tensor, ...]
    ledger: Ledger
    run: RunSpec
    device: str
    seconds: float
    remarks: tuple[str, ...]
