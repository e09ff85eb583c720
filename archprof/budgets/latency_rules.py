"""Holds a latency to its rule: never more certain than the samples are. Nothing here needs torch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from archprof.budgets.budget import Level
from archprof.quantity import exact
from archprof.records.check_result import RuleResult
from archprof.records.latency import CANNOT_TELL, FASTER, SLOWER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archprof.budgets.budget import Rule
    from archprof.records.check_result import Kind, State
    from archprof.records.latency import Latency, Ratio
    from archprof.records.metrics import Metric
    from archprof.records.profile import Profile

CONFIDENCE = 0.995
"""The confidence of one median's interval; two of them hold together with 99 %, which is what a verdict asks for."""

_NS = 10**9

MEASURED_SEPARATELY = (
    "measured separately from its baseline; `archprof check --latency --against REVISION` measures both together"
)
"""Why nothing is said of a latency's growth, and what to type."""


class Time(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A median, and the ends of its interval at :data:`CONFIDENCE`, in whole nanoseconds, with what they depend on."""

    device_name: str
    dtype: str
    batch: int
    threads: int | None
    options: list[str]
    median_ns: int
    low_ns: int
    high_ns: int

    def difference(self, base: Time) -> str | None:
        """What keeps two times from being compared, or None."""
        for field in ("device_name", "dtype", "batch", "threads", "options"):
            value, base_value = getattr(self, field), getattr(base, field)
            if value != base_value:
                return f"not comparable: {field.replace('_', ' ')} was {base_value}, and is {value}"
        return None


class Timing(msgspec.Struct, frozen=True):
    """What was measured of a case: its time, and how it stands to what it was, where both ran in one experiment."""

    time: Time
    ratio: Ratio | None = None
    base: Time | None = None


def place_of(metric: Metric) -> tuple[str, str]:
    """The device and the backend of a latency; those of one that names none are the CPU and eager PyTorch."""
    _, *device_and_backend = metric.name.split("/")
    device, backend = device_and_backend or ("cpu", "eager")
    return ("cuda:0" if device == "cuda" else device), backend


def times_of(profile: Profile) -> dict[str, Time]:
    """What was measured of a profile's model, by device and backend; what was run in another way is left out."""
    times = {
        f"{latency.device}/{latency.backend}": time_of(latency) for latency in profile.latency if not latency.options
    }
    return {key: time for key, time in times.items() if time}


def time_of(latency: Latency) -> Time | None:
    """A measured latency as it is held and locked; None where there are no samples."""
    if latency.median_s is None:
        return None
    from archprof.latency.statistics import median_interval  # late: most checks look at no latency

    low, high = median_interval(latency.samples_s, CONFIDENCE)
    return Time(
        device_name=latency.device_name,
        dtype=latency.dtype,
        batch=latency.batch,
        threads=latency.threads,
        options=latency.options,
        median_ns=round(latency.median_s * _NS),
        low_ns=round(low * _NS),
        high_ns=round(high * _NS),
    )


def judge_time(rule: Rule, timing: Timing, locked: Time | None) -> list[RuleResult]:
    """Hold a latency to its rule.

    A bound is broken where the whole interval lies beyond it, and holds where the whole interval lies within; between
    the two nobody can tell, and nothing fails. It has grown too much where the interval of the ratio lies beyond what
    is allowed, which is never less than :data:`~archprof.latency.statistics.MARGIN`, and the growth is above the floor.
    Only one experiment with both tells such a ratio: of times that were measured apart nothing is said, because nobody
    knows what else changed on the machine between the two.

    Args:
        rule: Of a latency.
        timing: What was measured.
        locked: What it was, where it was not measured in the same experiment.
    """
    return [*_absolute(rule, timing.time), *_growth(rule, timing, timing.base or locked)]


def _absolute(rule: Rule, time: Time) -> Iterator[RuleResult]:
    low, high = time.low_ns / _NS, time.high_ns / _NS
    if rule.max:
        upper = float(rule.max.value)
        verdict = SLOWER if low > upper else FASTER if high <= upper else CANNOT_TELL
        yield _rule_result(rule, "max", verdict, time, (low, high), rule.max.text, upper)
    if rule.min:
        lower = float(rule.min.value)
        verdict = SLOWER if high < lower else FASTER if low >= lower else CANNOT_TELL
        yield _rule_result(rule, "min", verdict, time, (low, high), rule.min.text, lower)


def _growth(rule: Rule, timing: Timing, base: Time | None) -> Iterator[RuleResult]:
    if rule.max_increase is None:
        return
    text, time = rule.max_increase.text, timing.time
    if base is None or timing.ratio is None:
        note = None if base is None else time.difference(base) or MEASURED_SEPARATELY
        yield _rule_result(rule, "max_increase", None, time, None, text, None, note=note)
        return
    base_s = base.median_ns / _NS
    low, high = timing.ratio.bounds
    increase = rule.max_increase.value / 100 if rule.max_increase.percent else rule.max_increase.value / exact(base_s)
    floor = float(rule.floor.of(exact(base_s))) if rule.floor else 0.0
    from archprof.latency.statistics import MARGIN

    upper = max(base_s * (1 + max(float(increase), MARGIN)), base_s + floor)
    interval = (base_s * low, base_s * high)
    verdict = SLOWER if interval[0] > upper else FASTER if interval[1] <= upper else CANNOT_TELL
    finite_interval = interval if math.isfinite(interval[1]) else None
    yield _rule_result(rule, "max_increase", verdict, time, finite_interval, text, upper, base=base_s)


def _rule_result(
    rule: Rule,
    kind: Kind,
    verdict: str | None,
    time: Time,
    interval: tuple[float, float] | None,
    limit: str,
    bound: float | None,
    *,
    base: float | None = None,
    note: str | None = None,
) -> RuleResult:
    actual = time.median_ns / _NS
    failed: State = "warning" if rule.level is Level.warn else "failed"
    states: dict[str | None, State] = {SLOWER: failed, FASTER: "ok", CANNOT_TELL: "inconclusive", None: "no_baseline"}
    return RuleResult(
        metric=rule.metric.name,
        kind=kind,
        state=states[verdict],
        actual=actual,
        bound=bound,
        baseline=base,
        excess=abs(actual - bound) if verdict == SLOWER and bound is not None else 0,
        limit=limit,
        interval=interval if interval and math.isfinite(interval[1]) else None,
        note=note,
        message=rule.message,
        key_path=rule.key_path,
        key_line=rule.line,
    )
