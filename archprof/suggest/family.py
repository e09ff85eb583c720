"""All variants that a question is about: of each width, depth, image size and scale those of other channels."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from archprof.errors import ArchprofError, UsageError
from archprof.sources.spec import VariantSpec
from archprof.suggest.axes import CHANNELS, parse_axes, size_of, variants, varied
from archprof.suggest.channels import MULTIPLE, channel_space, without_cap
from archprof.suggest.frames import Frame, with_edits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.builder.options import Options
    from archprof.records.profile import Profile
    from archprof.records.variation import VariedModel
    from archprof.sources.spec import Spec
    from archprof.suggest.channels import Edits
    from archprof.suggest.frames import Counter, Model
    from archprof.suggest.judging import Judge
    from archprof.suggest.vary import VariationQuestion


class Family:
    """The variants of a model.

    Args:
        spec: The model.
        options: How to build and run it.
        question: What is varied.
        counter: Counts variants.
        base: What the model has.

    Attributes:
        model: The model, with no cap on channels where rows may get more.
        axes: The values of each axis but channels.
        factors: What each row's channels may be multiplied by; none where they stay.
        frame_count: How many combinations of the axes there are.
        base_channels: The channels of the model's rows that may have others.
        exclusions: What cannot be built, and why.

    Raises:
        UsageError: Where the axes make no sense, or the question has something that they leave no use for.
    """

    def __init__(
        self, spec: Spec, options: Options, question: VariationQuestion, counter: Counter, base: Profile
    ) -> None:
        self.axes = parse_axes(question.axes, spec)
        self.factors: Sequence[Any] = self.axes.pop(CHANNELS, [])
        self._refuse_unused(question)
        self.model: Model = (spec, options)
        self.frame_count = size_of(self.axes)
        self.base_channels: dict[str, int] = {}
        self._exclusions: dict[str, None] = {}
        self._question, self._counter, self._base = question, counter, base
        if self.factors and max(self.factors) > 1 and isinstance(spec, VariantSpec):
            uncapped = without_cap(spec), options
            if counter.profile(uncapped).totals == base.totals:
                self.model = uncapped

    def _refuse_unused(self, question: VariationQuestion) -> None:
        """See to it that nothing is said of the channels of rows where they stay.

        Raises:
            UsageError: Where something is.
        """
        patterns = {} if question.experts else {"--only": question.only, "--never": question.never}
        unused = [option for option, values in patterns.items() if values]
        unused += ["--multiple"] if question.multiple != MULTIPLE else []
        if unused and not self.factors:
            hint = f"add channels=0.5:1:0.25 to it, or leave out {unused[0]}"
            raise UsageError(f"{unused[0]} is for the channels of rows, and --vary does not vary them", hint=hint)

    @property
    def exclusions(self) -> list[str]:
        """What was left out, and why."""
        return list(self._exclusions)

    def frames(self, judge: Judge) -> tuple[list[Frame], list[VariedModel]]:
        """Every combination of the axes that can be built, and a line for each that cannot."""
        changes = list(variants(self.axes))
        models = [varied(*self.model, change) for change in changes]
        frames, errors = [], []
        for change, model, outcome in zip(changes, models, self._counter.profiles(models), strict=True):
            if isinstance(outcome, ArchprofError):
                errors.append(judge.model(change, outcome))
            else:
                frames.append(self._frame(change, model, outcome))
        return frames, errors

    @cached_property
    def own_frame(self) -> Frame:
        """The model's own width, depth, image size and scale."""
        return self._frame({}, self.model, self._base)

    def changes_at(self, choices: Sequence[int]) -> dict[str, Any]:
        """The axes' values of some indexes."""
        return {name: values[choice] for (name, values), choice in zip(self.axes.items(), choices, strict=True)}

    def frame_at(self, choices: Sequence[int]) -> Frame | ArchprofError:
        """The combination of the axes' values of some indexes, or what is wrong with it."""
        change = self.changes_at(choices)
        model = varied(*self.model, change)
        (outcome,) = self._counter.profiles([model])
        return outcome if isinstance(outcome, ArchprofError) else self._frame(change, model, outcome)

    def _frame(self, change: dict[str, Any], model: Model, profile: Profile) -> Frame:
        frame = Frame(change, model, profile)
        if not self.factors:
            return frame
        question, spec = self._question, model[0]
        assert isinstance(spec, VariantSpec)  # as parse_axes saw to

        def count(edits: Sequence[Edits]) -> list[Profile | ArchprofError]:
            return self._counter.profiles([with_edits(model, entry) for entry in edits])

        space = channel_space(spec, profile, self.factors, question.multiple, question.only, question.never, count)
        self._exclusions |= dict.fromkeys(space.exclusions)
        if not self.base_channels:
            self.base_channels = {f"model.{row}": width.channels[0] for width in space.widths for row in width.rows}
        return Frame(change, model, profile, space)
