"""A model's dynamic layers, as ``archprof parameternet`` saves them. Nothing here needs torch."""

from __future__ import annotations

from typing import ClassVar, Self

import msgspec

from archprof.records.parameternet import ParameterNet  # noqa: TC001 - it is looked up to read a report back
from archprof.records.prediction import Prediction  # noqa: TC001 - it is too
from archprof.records.profile import Environment, Input, Profile, Tool, Variant
from archprof.records.record import SavedRecord

VERSION = 1
"""The format's version. It changes when a reader of the old one would misread the new one."""


class DynamicReport(SavedRecord, frozen=True, kw_only=True):
    """What ``archprof parameternet`` says of one model.

    Attributes:
        version: The format's version.
        tool: What wrote it.
        variant: The model.
        input: What went in.
        parameternet: Its dynamic layers; None where it has none.
        prediction: How long its forward pass should take, where this computer was calibrated.
        prediction_absent: Why that is not known, where it was calibrated for something else.
        static_prediction: The same of its static equivalent.
        environment: Where it was counted.
    """

    format_version: ClassVar[int] = VERSION

    version: int = VERSION
    tool: Tool = msgspec.field(default_factory=Tool)
    variant: Variant
    input: Input
    parameternet: ParameterNet | None
    prediction: Prediction | None = None
    prediction_absent: str | None = None
    static_prediction: Prediction | None = None
    environment: Environment

    @classmethod
    def of(cls, profile: Profile, static: Profile | None = None) -> Self:
        """The part of a profile that is about dynamic layers.

        Args:
            profile: The model's.
            static: Its static equivalent's, where that was made to predict its latency.
        """
        return cls(
            tool=profile.tool,
            variant=profile.variant,
            input=profile.input,
            parameternet=profile.parameternet,
            prediction=profile.prediction,
            prediction_absent=profile.prediction_absent,
            static_prediction=static.prediction if static else None,
            environment=profile.environment,
        )

    @property
    def headline(self) -> str:
        """The model, and how many of its layers are dynamic."""
        layers = self.parameternet.layers if self.parameternet else []
        return f"{self.variant.name}: {len(layers)} dynamic layers"
