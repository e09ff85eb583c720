"""Measures the cases of a check that have a latency to hold: against what they were in one experiment, or alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archprof.budgets.latency_rules import Timed, judge_time, place_of, time_of
from archprof.errors import RunError
from archprof.latency.backends.interface import Settings
from archprof.latency.experiment import Protocol
from archprof.latency.measure import choose_targets
from archprof.latency.sampler import Plan
from archprof.pipeline import ExecutionConfig, Request
from archprof.pipeline.measuring import Measurement, measure_all
from archprof.pipeline.progress import SILENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archprof.budgets.cases import Case
    from archprof.budgets.latency_rules import Time
    from archprof.budgets.lock import Place
    from archprof.pipeline.progress import Progress
    from archprof.records.check_result import Judgement
    from archprof.records.metrics import Metric
    from archprof.records.profile import Profile
    from archprof.sources.spec import Spec

NOT_CONFIRMED = "a second measurement did not confirm it"


@dataclass(slots=True, kw_only=True)
class Stopwatch:
    """Measures a case once, and once more where that is to be confirmed.

    Attributes:
        then: What cases were at a git revision, to be measured beside what they are.
        threads: Threads to compute with; torch's own choice where None.
        max_time: Seconds of sampling at most.
        confirm: Whether what fails is measured again first.
        progress: Is told how far it is.
    """

    then: Mapping[Place, Spec] = field(default_factory=dict)
    threads: int | None = None
    max_time: float = 20.0
    confirm: bool = False
    progress: Progress = SILENT
    _taken: dict[tuple[Place, str], Timed] = field(default_factory=dict)

    def times(self, case: Case, profile: Profile) -> dict[str, Time]:
        """What a case takes, by place, as the lock file holds it.

        Raises:
            ArchprofError: Where it cannot be measured.
        """
        return {
            "/".join(place_of(rule.metric)): self._once(case, profile, rule.metric).time
            for rule in case.rules
            if not rule.metric.exact
        }

    def judge(self, case: Case, profile: Profile, locked: Mapping[str, Time]) -> list[Judgement]:
        """Measure a case, and hold it to its rules; what fails may have to fail twice.

        Args:
            case: The case.
            profile: What it was counted to cost.
            locked: What it took before, by place.

        Raises:
            ArchprofError: Where it cannot be measured.
        """
        judgements = []
        for rule in case.rules:
            if rule.metric.exact:
                continue
            was = locked.get("/".join(place_of(rule.metric)))
            found = judge_time(rule, self._once(case, profile, rule.metric), was)
            if self.confirm and any(one.state == "failed" for one in found):
                again = judge_time(rule, self._measure(case, profile, rule.metric), was)
                found = [_confirmed(*pair) for pair in zip(found, again, strict=True)]
            judgements += found
        return judgements

    def _once(self, case: Case, profile: Profile, metric: Metric) -> Timed:
        key = (case.place, metric.name)
        if key not in self._taken:
            self._taken[key] = self._measure(case, profile, metric)
        return self._taken[key]

    def _measure(self, case: Case, profile: Profile, metric: Metric) -> Timed:
        assert case.spec is not None  # it has a profile
        device, backend = place_of(metric)
        settings = Settings(threads=self.threads)
        (target,) = choose_targets([device], [backend], case.options, settings)
        protocol = Protocol(settings=settings, plan=Plan(max_time=self.max_time))
        then = self.then.get(case.place)
        requests = [Request(spec, case.options) for spec in (then, case.spec) if spec is not None]
        measurement = Measurement(targets=[target], protocol=protocol)
        profiles = [profile] * len(requests)
        benched = measure_all(requests, measurement, ExecutionConfig(), self.progress, profiles).experiment
        if benched.interrupted:
            raise KeyboardInterrupt
        latencies = [one for (one,) in benched.latencies]
        if failed := next((one.error for one in latencies if one.error), None):
            raise RunError(f"{metric.name} could not be measured: {failed}")
        times = [time for one in latencies if (time := time_of(one))]
        if then is None:
            return Timed(times[0])
        (comparison,) = benched.comparisons
        return Timed(times[1], comparison.result, times[0])


def _confirmed(first: Judgement, again: Judgement) -> Judgement:
    """The first judgement, unless it failed and the second does not."""
    from msgspec.structs import replace

    if first.state != "failed" or again.state == "failed":
        return first
    return replace(again, state="unclear", note=NOT_CONFIRMED)
