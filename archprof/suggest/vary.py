"""The best variant under budgets among those of other width, depth, channels, image size or scale."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from archprof.errors import ArchprofError, UsageError
from archprof.pipeline.progress import SILENT
from archprof.records.variation import Variation
from archprof.suggest.additive import LATENCY, LIMITED, MAXIMISED, amount_in, find_additive
from archprof.suggest.channels import MULTIPLE
from archprof.suggest.evolution import evolve
from archprof.suggest.family import Family
from archprof.suggest.files import stem_of, yaml_of
from archprof.suggest.frames import Counter
from archprof.suggest.judging import Judge, shown_metrics
from archprof.suggest.no_calibration import require_prediction
from archprof.suggest.problem import check_experts
from archprof.suggest.row_sums import NotAdditiveError, best_of_sums
from archprof.units import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archprof.builder.options import Options
    from archprof.pipeline import ExecutionConfig
    from archprof.pipeline.progress import Progress
    from archprof.records.prediction import Prediction
    from archprof.records.profile import Profile
    from archprof.records.variation import VariedModel
    from archprof.sources.spec import Spec
    from archprof.suggest.additive import Budget
    from archprof.suggest.both import Placed
    from archprof.suggest.evolution import Genes
    from archprof.suggest.factors import Assignment
    from archprof.suggest.frames import Frame, Model

MOST = 400
"""How many variants are all counted."""

MOST_FRAMES = 20
"""In how many combinations of the other axes rows may have channels of their own, for a proof."""

KEPT = 50
"""How many variants of a search are kept in the answer."""


@dataclass(frozen=True, kw_only=True)
class VariationQuestion:
    """What is asked of a model's variants.

    Attributes:
        axes: What is varied, as :func:`archprof.suggest.axes.parse_axes` takes it.
        budgets: What must be kept.
        goal: The metric to have the most of, or the name of the score.
        score: The user's own function of a profile.
        multiple: What channels are multiples of.
        only: Patterns of the rows whose channels may change, and of the convolutions that may be made dynamic.
        never: Patterns of those whose may not.
        experts: The numbers of experts that convolutions may have, too; none where they stay plain.
    """

    axes: str
    budgets: Sequence[Budget]
    goal: str
    score: Callable[[Profile], Any] | None = None
    multiple: int = MULTIPLE
    only: Sequence[str] = ()
    never: Sequence[str] = ()
    experts: Sequence[int] = ()

    @property
    def maximise(self) -> bool:
        """Whether the most of the goal is wanted: always, unless there are lower limits alone."""
        kinds = {budget.kind for budget in self.budgets}
        return self.score is not None or self.goal in MAXIMISED or kinds != {"min"}


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    """What was counted: lines, each with the model that it is of; how; and what is proven."""

    entries: Sequence[tuple[VariedModel, Model]]
    method: Literal["all", "bounds", "search"]
    size: int
    bound: int | None = None
    remarks: Sequence[str] = ()


def vary(
    spec: Spec, options: Options, question: VariationQuestion, config: ExecutionConfig, progress: Progress = SILENT
) -> Variation:
    """The answer of :func:`best_variant`."""
    return best_variant(spec, options, question, config, progress)[0]


def best_variant(
    spec: Spec, options: Options, question: VariationQuestion, config: ExecutionConfig, progress: Progress = SILENT
) -> tuple[Variation, Model]:
    """Choose the variant with the most of the goal among those that fit.

    Args:
        spec: The model.
        options: How to build and run it.
        question: What is wanted.
        config: How variants may be counted.
        progress: Is told what is being done.

    Returns:
        The answer, and the best variant: of one with dynamic convolutions, its plain equivalent.

    Raises:
        UsageError: Where the axes make no sense, no variant fits, or the score gives no number.
        ArchprofError: Where the model itself cannot be counted.
    """
    if question.score is None:
        question = replace(question, goal=find_additive(question.goal, LIMITED).name)
    check_experts(question.experts)
    names = [question.goal, *(budget.metric.name for budget in question.budgets)]
    counter = Counter(config, progress, predicted=LATENCY.name in names)
    base_model = spec, options
    base = counter.profile(base_model)
    if counter.predicted:
        require_prediction(base, options.device)
    limits = [(budget, budget.limit(amount_in(base, budget.metric))) for budget in question.budgets]
    judge = Judge(limits, question.goal, question.maximise, question.score, shown_metrics(names))
    family = Family(spec, options, question, counter, base)
    outcome = _outcome(family, counter, judge, question.experts)
    placed: Placed | None = None
    if question.experts:
        from archprof.suggest.both import with_experts  # it needs torch

        placed = with_experts(outcome.entries, question, judge, counter)
        outcome = replace(outcome, entries=placed.entries, remarks=[*outcome.remarks, *placed.remarks])
    entries = sorted(outcome.entries, key=lambda entry: judge.rank(entry[0]))
    models = [model for model, _ in entries]
    if not models or not models[0].fits:
        sample = counter.number if outcome.method == "search" else None
        raise judge.none_fits(models, outcome.size, family.exclusions, sample)
    best, best_options = entries[0][1]
    predictions = _predictions(base_model, (best, best_options), models[0].experts, counter)
    complete = outcome.method == "all" and not (placed and placed.partial)
    variation = Variation(
        variant=base.variant,
        input=base.input,
        environment=base.environment,
        goal=question.goal,
        maximise=question.maximise,
        budgets=[str(budget) for budget in question.budgets],
        limited=[budget.metric.name for budget in question.budgets],
        size=outcome.size if outcome.size < 2**63 else float(outcome.size),
        counted=len(models) if outcome.method == "all" else counter.number,
        method=outcome.method,
        proven=complete or (outcome.bound is not None and outcome.bound == models[0].goal),
        goal_bound=outcome.bound,
        base=judge.totals(base),
        models=models if outcome.method == "all" else models[:KEPT],
        base_channels=family.base_channels,
        exclusions=[*family.exclusions, *outcome.remarks],
        latency_s=[entry.seconds for entry in predictions] or None,
        latency_interval_s=[list(entry.interval_s) for entry in predictions if entry.interval_s],
        yaml=yaml_of(best, models[0].experts, changed=True),
        python=_python(best, best_options, models[0].experts),
        stem=stem_of(best),
    )
    return variation, (best, best_options)


def _predictions(base: Model, best: Model, experts: dict[str, int], counter: Counter) -> list[Prediction]:
    """The predictions for a model and its best variant with experts; none unless this computer was calibrated."""
    timed = replace(counter, predicted=True)
    profiles = [timed.profile(base)]
    if profiles[0].prediction is None:
        return []
    if experts:
        from archprof.suggest.both import predicted_with

        profiles.append(predicted_with(*best, experts))
    else:
        profiles.append(timed.profile(best))
    predictions = [profile.prediction for profile in profiles if profile.prediction]
    return predictions if len(predictions) > 1 else []


def _python(spec: Spec, options: Options, experts: dict[str, int]) -> str | None:
    """What makes a variant's convolutions dynamic in the network that Ultralytics builds of its file."""
    if not experts:
        return None
    from archprof.suggest.python_file import python_of_file

    return python_of_file(spec, options, experts, stem_of(spec))


def _refuse_experts(experts: Sequence[int], size: int) -> None:
    """Experts are placed in variants that were all counted.

    Raises:
        UsageError: Where there are too many for that.
    """
    if experts:
        hint = f"at most {MOST}: fewer values, or --only with some rows"
        raise UsageError(f"--experts with --vary: {plural(size, 'variant')} are too many", hint=hint)


def _outcome(family: Family, counter: Counter, judge: Judge, experts: Sequence[int]) -> _Outcome:
    """What was counted of a family, in the way that proves most.

    Raises:
        UsageError: Where there are too many variants for experts in each.
    """
    if family.frame_count > (MOST_FRAMES if family.factors else MOST):
        _refuse_experts(experts, family.frame_count)
        return _evolved(family, counter, judge, [])
    frames, errors = family.frames(judge)
    size = sum(frame.size for frame in frames) + len(errors)
    failed = [(model, family.model) for model in errors]
    if size <= MOST:
        variants = [(frame, assignment) for frame in frames for assignment in frame.assignments()]
        return _Outcome(entries=[*_counted(variants, counter, judge), *failed], method="all", size=size)
    _refuse_experts(experts, size)
    try:
        answer = best_of_sums(frames, counter, judge)
    except NotAdditiveError as error:
        return _evolved(family, counter, judge, [f"no bound is known: {error}"])
    entries = [(model, frame.variant(assignment)) for model, frame, assignment in answer.entries]
    return _Outcome(entries=[*entries, *failed], method="bounds", size=size, bound=answer.bound, remarks=answer.remarks)


def _counted(
    variants: Sequence[tuple[Frame, Assignment]], counter: Counter, judge: Judge
) -> list[tuple[VariedModel, Model]]:
    """Variants with their lines."""
    models = [frame.variant(assignment) for frame, assignment in variants]
    changed = [model for (_, assignment), model in zip(variants, models, strict=True) if any(assignment)]
    outcomes = iter(counter.profiles(changed))
    return [
        (judge.model(frame.changes, next(outcomes) if any(choices) else frame.profile, frame.channels(choices)), model)
        for (frame, choices), model in zip(variants, models, strict=True)
    ]


def _evolved(family: Family, counter: Counter, judge: Judge, remarks: Sequence[str]) -> _Outcome:
    """What a search among variants finds, of which too many are there to count all."""
    axes, widths = [len(values) for values in family.axes.values()], family.own_frame.choices
    frames: dict[Genes, Frame | ArchprofError] = {}

    def frame_of(genes: Genes) -> Frame | ArchprofError:
        choices = genes[: len(axes)]
        if choices not in frames:
            frames[choices] = family.frame_at(choices)
        return frames[choices]

    def variant_of(genes: Genes) -> tuple[Frame, Assignment] | ArchprofError:
        frame = frame_of(genes)
        if isinstance(frame, ArchprofError):
            return frame
        # Another depth or scale may have rows with fewer choices.
        pairs = zip(frame.choices, genes[len(axes) :], strict=False)
        return frame, tuple(choices[gene % len(choices)] for choices, gene in pairs)

    def models_of(generation: Sequence[Genes]) -> list[VariedModel]:
        variants = [variant_of(genes) for genes in generation]
        sound = [variant for variant in variants if not isinstance(variant, ArchprofError)]
        lines = iter(_counted(sound, counter, judge))
        return [
            judge.model(family.changes_at(genes[: len(axes)]), variant)
            if isinstance(variant, ArchprofError)
            else next(lines)[0]
            for genes, variant in zip(generation, variants, strict=True)
        ]

    def model_of(genes: Genes) -> Model:
        variant = variant_of(genes)
        return family.model if isinstance(variant, ArchprofError) else variant[0].variant(variant[1])

    counted = evolve([*axes, *map(len, widths)], models_of, judge.fitness)
    entries = sorted(counted.items(), key=lambda entry: judge.rank(entry[1]))[:KEPT]
    return _Outcome(
        entries=[(model, model_of(genes)) for genes, model in entries],
        method="search",
        size=family.frame_count * family.own_frame.size,
        remarks=remarks,
    )
