"""The best channels of a variant's rows, searched over sums of what its rows cost."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archprof.errors import ArchprofError
from archprof.suggest.additive import ADDITIVE, amount_in
from archprof.suggest.bounded_search import Answers, Limit, TableProblem, search
from archprof.suggest.decomposition import decompose, size_of_tables
from archprof.suggest.factors import TooWideError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archprof.records.variation import VariedModel
    from archprof.suggest.factors import Assignment
    from archprof.suggest.frames import Counter, Frame
    from archprof.suggest.judging import Judge

MOST_TABLES = 6_000
"""How many variants are counted for the tables."""

MOST_ACCEPTED = 400
"""How many variants are counted to see whether they keep a budget on what does not add up, as peak memory."""

PROBES = 3
"""How many variants are counted to see whether sums are what is counted, besides the answers."""

ANSWERS = 3
"""How many of the best are wanted."""


class NotAdditiveError(Exception):
    """A question that sums over rows do not answer, with what is the reason."""


Entry = tuple["VariedModel", "Frame", "Assignment"]
"""A variant that was counted: its line, its frame and its choices."""


@dataclass(frozen=True)
class SumsAnswer:
    """The best variants, the best first, or the nearest where none fits; what none exceeds; and remarks."""

    entries: Sequence[Entry]
    bound: int | None
    remarks: Sequence[str]


def best_of_sums(frames: Sequence[Frame], counter: Counter, judge: Judge) -> SumsAnswer:
    """The best variants, and what none exceeds.

    Args:
        frames: The variants of each width, depth, image size and scale.
        counter: Counts variants.
        judge: What is wanted.

    Raises:
        NotAdditiveError: Where the goal is no sum over rows, costs do not add up, there are too many of them, or the
            search ends with nothing found and nothing proven.
    """
    if judge.score is not None or judge.goal not in ADDITIVE:
        raise NotAdditiveError(f"{judge.goal} is no sum over rows")
    number = sum(size_of_tables([len(width.channels) for width in frame.widths], frame.scopes) for frame in frames)
    if number > MOST_TABLES:
        raise NotAdditiveError(f"{number:,} variants would have to be counted for it")
    sign = 1 if judge.maximise else -1
    answers: list[tuple[int, Entry]] = []
    bounds, remarks, sums, is_complete = list[int](), dict[str, None](), list[_FrameSums](), True
    for frame in frames:
        sums.append(_FrameSums(frame, counter, judge))
        best = sums[-1].best(answers[-1][0] if len(answers) == ANSWERS else None)
        bounds.append(best.bound)
        is_complete = is_complete and best.is_complete
        remarks |= dict.fromkeys(sums[-1].remarks)
        answers += [(value, sums[-1].entry(assignment)) for value, assignment in best.entries]
        answers = sorted(answers, key=lambda answer: -answer[0])[:ANSWERS]
    if not answers and any(budget.metric.name not in ADDITIVE for budget, _ in judge.limits):
        raise NotAdditiveError("a budget is no sum over rows, and the best within the others exceed it")
    if not answers and not is_complete:
        raise NotAdditiveError("the search among sums ended before it had one within the budgets")
    if not answers:
        return SumsAnswer([entry for frame_sums in sums for entry in frame_sums.nearest()], None, list(remarks))
    return SumsAnswer([entry for _, entry in answers], sign * max(answers[0][0], *bounds), list(remarks))


class _FrameSums:
    """The totals of a frame's variants, as sums over their rows.

    Args:
        frame: The variants.
        counter: Counts some of them.
        judge: What is wanted.

    Attributes:
        remarks: What was left out.
    """

    def __init__(self, frame: Frame, counter: Counter, judge: Judge) -> None:
        self._frame, self._counter, self._judge = frame, counter, judge
        self._sizes = tuple(len(width.channels) for width in frame.widths)
        names = dict.fromkeys([judge.goal, *(budget.metric.name for budget, _ in judge.limits)])
        self._metrics = {name: ADDITIVE[name] for name in names if name in ADDITIVE}
        self._tables, self._forbidden, self._base = decompose(self._sizes, frame.scopes, self._amounts)
        self._models: dict[Assignment, VariedModel] = {}
        self._check_probes()
        pairs = sum(int(mask.sum()) for mask in self._forbidden)
        self.remarks = [f"{pairs:,} combinations of neighbouring rows' channels cannot be built"] if pairs else []

    def best(self, floor: int | None) -> Answers:
        """The best variants by their goal, the more the better, and what none exceeds.

        Args:
            floor: Only what is better is of interest.
        """
        sign = 1 if self._judge.maximise else -1
        offset = sign * self._base[self._judge.goal]
        limits = [self._limit(index) for index in self._additive_limits()]
        answers = self._search(
            [sign * table for table in self._tables[self._judge.goal]],
            limits,
            None if floor is None else floor - offset,
            ANSWERS,
        )
        entries = tuple((value + offset, assignment) for value, assignment in answers.entries)
        return Answers(entries, answers.bound + offset, answers.is_complete)

    def nearest(self) -> list[Entry]:
        """For each budget the variant that comes nearest to it and keeps those others on what adds up."""
        assignments = []
        for index in self._additive_limits():
            load = self._limit(index)
            others = [self._limit(other) for other in self._additive_limits() if other != index]
            answers = self._search([-table for table in load.tables], others, None, 1, accept=False)
            assignments += [assignment for _, assignment in answers.entries]
        return [self.entry(assignment) for assignment in dict.fromkeys(assignments)]

    def entry(self, assignment: Assignment) -> Entry:
        """A variant's line; it is counted where it was not.

        Raises:
            NotAdditiveError: Where it does not have what its rows add up to.
        """
        if assignment not in self._models:
            (outcome,) = self._counter.profiles([self._frame.variant(assignment)])
            model = self._judge.model(self._frame.changes, outcome, self._frame.channels(assignment))
            if any(model.totals.get(name, amount) != amount for name, amount in self._summed(assignment).items()):
                raise NotAdditiveError("the costs of its rows do not add up")
            self._models[assignment] = model
        return self._models[assignment], self._frame, assignment

    def _search(
        self, goal: Sequence[Any], limits: Sequence[Limit], floor: int | None, number: int, *, accept: bool = True
    ) -> Answers:
        import numpy

        tables = tuple(
            numpy.where(mask | ~self._permitted(scope, mask.shape), -numpy.inf, table)
            for scope, mask, table in zip(self._frame.scopes, self._forbidden, goal, strict=True)
        )
        problem = TableProblem(self._sizes, self._frame.scopes, tables, tuple(limits))
        try:
            return search(problem, floor, number, self._accept if accept else None)
        except TooWideError:
            raise NotAdditiveError("too many of its rows hang together") from None

    def _accept(self, assignment: Assignment) -> bool | None:
        """Whether a variant fits, also into budgets on what does not add up."""
        if len(self._models) >= MOST_ACCEPTED:
            return None
        return self.entry(assignment)[0].fits

    def _additive_limits(self) -> list[int]:
        return [index for index, (budget, _) in enumerate(self._judge.limits) if budget.metric.name in self._metrics]

    def _limit(self, index: int) -> Limit:
        budget, limit = self._judge.limits[index]
        name, side = budget.metric.name, 1 if budget.kind == "max" else -1
        return Limit(tuple(side * table for table in self._tables[name]), side * (limit - self._base[name]))

    def _amounts(self, assignments: Sequence[Assignment]) -> list[Mapping[str, int] | None]:
        outcomes = self._counter.profiles([self._frame.variant(assignment) for assignment in assignments])
        return [
            None
            if isinstance(outcome, ArchprofError)
            else {name: amount_in(outcome, metric) for name, metric in self._metrics.items()}
            for outcome in outcomes
        ]

    def _summed(self, assignment: Assignment) -> dict[str, int]:
        """What a variant should have."""
        return {
            name: self._base[name]
            + sum(
                int(table[tuple(assignment[width] for width in scope)])
                for scope, table in zip(self._frame.scopes, tables, strict=True)
            )
            for name, tables in self._tables.items()
        }

    def _check_probes(self) -> None:
        """See to it that sums are what is counted.

        Raises:
            NotAdditiveError: Where they are not.
        """
        generator = random.Random(0)
        probes = [tuple(map(generator.choice, self._frame.choices)) for _ in range(PROBES)]
        for probe, counted in zip(probes, self._amounts(probes), strict=True):
            cells = zip(self._frame.scopes, self._forbidden, strict=True)
            forbidden = any(mask[tuple(probe[width] for width in scope)] for scope, mask in cells)
            if counted is not None and not forbidden and counted != self._summed(probe):
                raise NotAdditiveError("the costs of its rows do not add up")

    def _permitted(self, scope: Sequence[int], shape: Sequence[int]) -> Any:
        """Where all of a scope's widths have choices that they may take."""
        import numpy

        permitted: Any = numpy.zeros(shape, dtype=bool)
        permitted[tuple(slice(self._frame.choices[width].start, None) for width in scope)] = True
        return permitted
