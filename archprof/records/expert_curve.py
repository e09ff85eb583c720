"""A model with one number of experts after another, as it is saved. Nothing here needs torch."""

from __future__ import annotations

from typing import ClassVar, Self

import msgspec

from archprof.records.parameternet import ExpertSweep  # noqa: TC001 - it is looked up to read a curve back
from archprof.records.profile import Environment, Input, Profile, Tool, Variant
from archprof.records.record import SavedRecord

VERSION = 2
"""The format's version. It changes when a reader of the old one would misread the new one."""


class ExpertCurve(SavedRecord, frozen=True, kw_only=True):
    """What ``archprof parameternet --experts`` counted.

    Attributes:
        version: The format's version.
        tool: What wrote it.
        variant: The model.
        input: What went in.
        environment: Where it was counted.
        curve: Its figures with each number of experts, and those of its static equivalent.
    """

    format_version: ClassVar[int] = VERSION

    version: int = VERSION
    tool: Tool = msgspec.field(default_factory=Tool)
    variant: Variant
    input: Input
    environment: Environment
    curve: ExpertSweep

    @classmethod
    def of(cls, profile: Profile, curve: ExpertSweep) -> Self:
        """The curve of a model, of which a profile is known."""
        return cls(variant=profile.variant, input=profile.input, environment=profile.environment, curve=curve)

    @property
    def headline(self) -> str:
        """What it is of."""
        experts = ", ".join(str(point.experts) for point in self.curve.points)
        return f"{self.variant.name} with {experts} experts"
