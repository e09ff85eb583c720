"""What is wanted of a model. Free of torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from archprof.builder.options import Options
    from archprof.sources.spec import Spec

Level = Literal["budgets", "full"]
"""How much of a profile is wanted: what budgets hold, or also modules, operations, their work and, unasked, what other
tools print."""


class PredictionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Where a forward pass is predicted.

    Attributes:
        device: "cuda" or "cuda:N" for a GPU; anything else is the CPU.
        threads: Threads of the CPU; torch's own choice where None.
    """

    device: str = "auto"
    threads: int | None = None


class Request(msgspec.Struct, frozen=True):
    """What is wanted of one model; the answer is one finished profile.

    Attributes:
        spec: The model.
        build: How it is built and run.
        conventions: Conventions that are reported beside the exact count, the first of which tables are printed in.
        level: How much of the profile is wanted.
        prediction: Where its latency is predicted, if the device was calibrated; nowhere where None.
    """

    spec: Spec
    build: Options
    conventions: tuple[str, ...] = ()
    level: Level = "full"
    prediction: PredictionRequest | None = None
