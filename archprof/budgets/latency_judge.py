"""Measures the cases of a check that have a latency to hold: against what they were in one experiment, or alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archprof.budgets.latency_rules import Timing, judge_time, place_of, time_of
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
    from archprof.budgets.lock import CaseKey
    from archprof.pipeline.progress import Progress
    from archprof.records.check_result import RuleResult
    from archprof.records.metrics import Metric
    from archprof.records.profile import Profile
    from archprof.sources.spec import Spec

NOT_CONFIRMED = "a second measurement did not confirm it"


@dataclass(slots=True, kw_only=True)
class LatencyJudge:
    """Measures a case once, and once more where that is to be confirmed.

    Attributes:
        baseline_specs: What cases were at a git revision, to be measured beside what they are.
        threads: Threads to compute with; torch's own choice where None.
        max_time: Seconds of sampling at most.
        confirm: Whether what fails is measured again first.
        progress: Is told how far it is.
    """

    baseline_specs: Mapping[CaseKey, Spec] = field(default_factory=dict)
    threads: int | None = None
    max_time: float = 20.0
    confirm: bool = False
    progress: Progress = SILENT
    _timings: dict[tuple[CaseKey, str], Timing] = field(default_factory=dict)

    def times(self, case: Case, profile: Profile) -> dict[str, Time]:
        """What a case takes, by place, as the lock file holds it.

        Raises:
            ArchprofError: Where it cannot be measured.
        """
        return {
            "/".join(place_of(rule.metric)): self._timing(case, profile, rule.metric).time
            for rule in case.rules
            if not rule.metric.exact
        }

    def judge(self, case: Case, profile: Profile, locked: Mapping[str, Time]) -> list[RuleResult]:
        """Measure a case, and hold it to its rules; what fails may have to fail twice.

        Args:
            case: The case.
            profile: What it was counted to cost.
            locked: What it took before, by place.

        Raises:
            ArchprofError: Where it cannot be measured.
        """
        results = []
        for rule in case.rules:
            if rule.metric.exact:
                continue
            base = locked.get("/".join(place_of(rule.metric)))
            results_of_rule = judge_time(rule, self._timing(case, profile, rule.metric), base)
            if self.confirm and any(result.state == "failed" for result in results_of_rule):
                second = judge_time(rule, self._measure(case, profile, rule.metric), base)
                results_of_rule = [_confirmed(*pair) for pair in zip(results_of_rule, second, strict=True)]
            results += results_of_rule
        return results

    def _timing(self, case: Case, profile: Profile, metric: Metric) -> Timing:
        key = (case.case_key, metric.name)
        if key not in self._timings:
            self._timings[key] = self._measure(case, profile, metric)
        return self._timings[key]

    def _measure(self, case: Case, profile: Profile, metric: Metric) -> Timing:
        assert case.spec is not None  # it has a profile
        device, backend = place_of(metric)
        settings = Settings(threads=self.threads)
        (target,) = choose_targets([device], [backend], case.options, settings)
        protocol = Protocol(settings=settings, plan=Plan(max_time=self.max_time))
        base_spec = self.baseline_specs.get(case.case_key)
        requests = [Request(spec, case.options) for spec in (base_spec, case.spec) if spec is not None]
        measurement = Measurement(targets=[target], protocol=protocol)
        profiles = [profile] * len(requests)
        benched = measure_all(requests, measurement, ExecutionConfig(), self.progress, profiles).experiment
        if benched.interrupted:
            raise KeyboardInterrupt
        latencies = [latency for (latency,) in benched.latencies]
        if failed := next((latency.error for latency in latencies if latency.error), None):
            raise RunError(f"{metric.name} could not be measured: {failed}")
        times = [time for latency in latencies if (time := time_of(latency))]
        if base_spec is None:
            return Timing(times[0])
        (comparison,) = benched.comparisons
        return Timing(times[1], comparison.result, times[0])


def _confirmed(first: RuleResult, second: RuleResult) -> RuleResult:
    """The first result, unless it failed and the second does not."""
    from msgspec.structs import replace

    if first.state != "failed" or second.state == "failed":
        return first
    return replace(second, state="inconclusive", note=NOT_CONFIRMED)
