"""The variants of a model, a frame for each width, depth, image size and scale; and how they are counted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from archprof.errors import ArchprofError
from archprof.pipeline import Request, profile_all
from archprof.pipeline.request import PredictionRequest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from archprof.builder.options import Options
    from archprof.pipeline import ExecutionConfig
    from archprof.pipeline.progress import Progress
    from archprof.records.profile import Profile
    from archprof.sources.spec import Spec
    from archprof.suggest.channels import ChannelSpace, Edits, Width
    from archprof.suggest.factors import Assignment, Scope

Model = tuple["Spec", "Options"]


@dataclass
class Counter:
    """Counts variants.

    Attributes:
        config: How they may be counted.
        progress: Is told what is being done.
        predicted: Whether their latency is predicted, too.
        number: How many were counted.
    """

    config: ExecutionConfig
    progress: Progress
    predicted: bool = False
    number: int = 0

    def profiles(self, models: Sequence[Model]) -> list[Profile | ArchprofError]:
        """The profile of each, or what was wrong with it."""
        self.number += len(models)
        return profile_all([self.request(*model) for model in models], self.config, self.progress)

    def profile(self, model: Model) -> Profile:
        """The profile of a model.

        Raises:
            ArchprofError: Where it cannot be counted.
        """
        (outcome,) = self.profiles([model])
        if isinstance(outcome, ArchprofError):
            raise outcome
        return outcome

    def request(self, spec: Spec, options: Options) -> Request:
        """What is asked of a variant."""
        if self.predicted:
            return Request(spec, options, prediction=PredictionRequest(device=options.device))
        return Request(spec, options, level="budgets")


@dataclass(frozen=True)
class Frame:
    """The variants of one width, depth, image size and scale.

    Attributes:
        changes: Those.
        model: The model with them.
        profile: What it has.
        space: The channels that its rows may have; None where they stay.
    """

    changes: Mapping[str, Any]
    model: Model
    profile: Profile
    space: ChannelSpace | None = None

    @property
    def widths(self) -> tuple[Width, ...]:
        """The rows that may have other channels."""
        return self.space.widths if self.space else ()

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """Those that meet in a row, by index."""
        return self.space.scopes if self.space else ()

    @property
    def choices(self) -> list[range]:
        """What each width may be, by index."""
        return [self.space.choices(width) for width in range(len(self.widths))] if self.space else []

    @property
    def size(self) -> int:
        """How many variants it has."""
        return math.prod(map(len, self.choices))

    def assignments(self) -> Iterator[Assignment]:
        """The choices of each variant's widths."""
        return product(*self.choices)

    def variant(self, assignment: Assignment) -> Model:
        """A variant's spec and options."""
        return with_edits(self.model, self.space.edits(assignment) if self.space else {})

    def channels(self, assignment: Assignment) -> dict[str, int]:
        """The channels that a variant's rows have, of those that change."""
        return self.space.channels(assignment) if self.space else {}


def with_edits(model: Model, edits: Edits) -> Model:
    """A model with parts of its rows changed."""
    spec, options = model
    for name, value in edits.items():
        spec = spec.edited(name, value)
    return spec, options
