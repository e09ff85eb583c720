"""What ``archprof suggest`` answers. Nothing here needs torch."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from archprof.records.latency import Comparison, Latency  # noqa: TC001 - they are looked up to read a record back
from archprof.records.profile import Environment, Input, Tool, Variant
from archprof.records.record import SavedRecord
from archprof.records.schema import schema_of

VERSION = 2
"""The format's version. It changes when a reader of the old one would misread the new one."""


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """One budget, and what the answer makes of it.

    ``kind`` is "max" or "min", ``limit`` the amount in whole units (of a time: picoseconds), ``base`` the model's
    own. ``gain`` is how much more of the goal a limit allows that is looser by one percent of the base, found by
    solving anew; None where that was not asked. ``marginal`` is the price of one unit in the linear relaxation.
    """

    metric: str
    kind: str
    text: str
    limit: int
    base: int
    predicted: int
    gain: int | None = None
    marginal: float = 0.0


class ExpertChoice(msgspec.Struct, frozen=True, kw_only=True):
    """A convolution that is made dynamic, its number of experts, and by how much each metric grows."""

    module: str
    experts: int
    in_channels: int
    out_channels: int
    kernel: list[int]
    groups: int
    stride: list[int]
    output_size: list[int]
    changes: dict[str, int]


class Alternative(msgspec.Struct, frozen=True, kw_only=True):
    """Another answer: experts by module, and the totals. ``method`` says how it was found."""

    method: str
    experts: dict[str, int]
    goal: int
    totals: dict[str, int]


class FrontPoint(msgspec.Struct, frozen=True, kw_only=True):
    """The best answer at one limit of one budget; ``bound`` is the most that any placement there can have."""

    limit: int
    used: int
    goal: int
    bound: int
    experts: dict[str, int]


class Exclusion(msgspec.Struct, frozen=True, kw_only=True):
    """A convolution that was left out, and why."""

    module: str
    cause: str


class MeasuredAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """How long the model and the answer take, measured in one paired experiment.

    ``comparison`` has the model as its base (0) and the answer beside it (1); it is None where one of them could not be
    measured, and its latency says why.
    """

    base: Latency
    answer: Latency
    comparison: Comparison | None


class Suggestion(SavedRecord, frozen=True, kw_only=True):
    """Which convolutions to make dynamic, and with how many experts.

    ``question`` is what was asked for, as options of the command line.
    ``base``, ``predicted`` and ``counted`` are totals by metric: of the model, of the answer as the sum of the
    measured differences, and of the answer as it was built and counted. They are equal, or there is no answer.
    ``goal_bound`` is what no placement exceeds (of a goal that is minimised: falls below), as the solver proves it,
    and ``relaxation_bound`` the same as recomputed from the prices in exact arithmetic. ``yaml`` is the variant as
    a file, None for a model that is no YAML, ``latency_s`` are the predicted times before and after, where this
    computer was calibrated, with their intervals in ``latency_interval_s``, ``python`` is what applies it to a
    stock model, ``stem`` what files are called.
    """

    format_version: ClassVar[int] = VERSION

    version: int = VERSION
    tool: Tool = msgspec.field(default_factory=Tool)
    variant: Variant
    input: Input
    environment: Environment
    question: list[str] = msgspec.field(default_factory=list)
    goal: str
    maximise: bool
    candidates: int
    choices: list[int]
    placement: list[ExpertChoice]
    bounds: list[Bound]
    base: dict[str, int]
    predicted: dict[str, int]
    counted: dict[str, int]
    goal_bound: int
    relaxation_bound: int
    proven: bool
    peak_activation_bytes: list[int]
    latency_s: list[float] | None = None
    latency_interval_s: list[list[float]] = msgspec.field(default_factory=list)
    measured: MeasuredAnswer | None = None
    alternatives: list[Alternative] = msgspec.field(default_factory=list)
    heuristics: list[Alternative] = msgspec.field(default_factory=list)
    front_metric: str | None = None
    front: list[FrontPoint] = msgspec.field(default_factory=list)
    excluded: list[Exclusion] = msgspec.field(default_factory=list)
    yaml: str | None = None
    python: str
    stem: str

    @property
    def experts(self) -> dict[str, int]:
        """The number of experts by the path of the convolution."""
        return {choice.module: choice.experts for choice in self.placement}

    @property
    def gap(self) -> float:
        """How much better than the answer another may be at most, as a share of the answer's goal."""
        goal = self.predicted[self.goal]
        return abs(self.goal_bound - goal) / goal if goal else 0.0

    @property
    def headline(self) -> str:
        """The model, how many convolutions are made dynamic, and the goal."""
        name, number = self.variant.name, len(self.placement)
        return f"{name}: {number} of {self.candidates} convolutions, {self.goal} {self.predicted[self.goal]:,}"


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a suggestion (draft 2020-12)."""
    return schema_of(Suggestion, "archprof suggestion")
