"""What there is to say of a rule that was checked, in words: the same ones in every format."""

from __future__ import annotations

import shlex
from pathlib import PurePath
from typing import TYPE_CHECKING

from archprof import units
from archprof.budgets.row_attribution import part_of
from archprof.records.metrics import find_metric
from archprof.units import Unit

if TYPE_CHECKING:
    from archprof.records.check_result import Attribution, CaseResult, CheckResult, RuleResult

_STATES = {
    "error": "could not be evaluated",
    "failed": "over budget",
    "warning": "with a warning",
    "inconclusive": "without a significant difference",
    "ok": "within budget",
}
_FLAGS = {"fuse": "fused", "backward": "training", "static": "static equivalent"}
_SIGNS = {"max": "at most", "min": "at least"}


def amount(value: float, metric: str) -> str:
    """A metric's value as it is quoted: ``8.41 GFLOPs``, ``2,461,081``, ``18.48 MB``."""
    unit = find_metric(metric).unit
    return units.measure(value if unit in (Unit.times, Unit.seconds) else round(value), unit)


def full(value: float, metric: str) -> str:
    """The same with every digit behind it, where the quoted form leaves some out."""
    short = amount(value, metric)
    if not isinstance(value, int) or find_metric(metric).unit is Unit.things:
        return short
    return short if value < 1000 else f"{short} ({value:,})"


def settings(case: CaseResult) -> str:
    """What a case was built and run with: ``scale n · imgsz 640``."""
    values = {key: value for key, value in case.settings.items() if key not in ("set", *_FLAGS)}
    values |= case.settings.get("set", {})
    flags = [text for key, text in _FLAGS.items() if case.settings.get(key)]
    return " · ".join([*(f"{key} {value}" for key, value in values.items()), *flags])


def title(case: CaseResult) -> str:
    """What a case is about, in one line."""
    return " · ".join(filter(None, (case.variant, settings(case))))


def value_text(result: RuleResult) -> str:
    """What was found, and the baseline where that is what counts."""
    bound = "at least " if result.lower_bound else ""
    text = bound + full(result.actual, result.metric)
    if result.interval:
        text += f", between {units.seconds_between(*result.interval)}"
    if result.kind == "max_increase" and result.baseline is not None:
        text += f", baseline {full(result.baseline, result.metric)}: {_growth(result)}"
    return text


def expected(result: RuleResult) -> str:
    """What it is held to: ``at most 8.2 GFLOPs``, ``at most 1 % above the baseline: 8.11 GFLOPs``."""
    if result.kind != "max_increase":
        return f"{_SIGNS[result.kind]} {result.limit}"
    if result.baseline is None:
        return f"at most {result.limit} above the baseline"
    if not (result.bound is not None and result.bound > result.baseline):
        return f"must not increase (baseline {full(result.baseline, result.metric)})"
    return f"at most {result.limit} above the baseline: {full(result.bound, result.metric)}"


def excess(result: RuleResult) -> str:
    """By how much it is beyond the bound."""
    direction = "too much" if result.kind != "min" else "too little"
    share = f" ({_percent(result.share)})" if result.bound else ""
    return f"{amount(result.excess, result.metric)}{share} {direction}"


def attribution(result: RuleResult, case: CaseResult) -> str | None:
    """What of the YAML has most to do with it, and where it stands."""
    cause = result.attribution
    if cause is None:
        return None
    where = f" ({case.file}:{cause.line})" if case.file and cause.line is not None else ""
    metric = part_of(result.metric)
    if cause.key is not None:
        return f"{cause.key}{where} was {cause.before}, is {cause.after}{_accounts(cause, metric)}"
    name = f"row {cause.row} {cause.module}{where}"
    if cause.reason == "largest":
        return f"{name} is the most expensive, {amount(cause.value or 0, metric)}"
    if cause.reason == "grew":
        return f"{name} is unchanged, and has grown most{_accounts(cause, metric)}"
    texts = {
        "added": f"row {cause.row}{where} is new: {cause.after}",
        "changed": f"row {cause.row}{where} was {cause.before}, is {cause.after}",
        "removed": f"{cause.before} was removed, row {cause.row} before",
    }
    heads = ", ".join(f"row {head}" for head in cause.light_head)
    branch = f", which changes the class branch of {heads}" if heads else ""
    return texts[cause.reason] + branch + _accounts(cause, metric)


def _accounts(cause: Attribution, metric: str) -> str:
    if cause.change is None:
        return ""
    share = "" if cause.share is None else f", {units.whole_percent(cause.share)} of the growth"
    return f"; it accounts for {units.difference(cause.change, find_metric(metric).unit)}{share}"


def accept(result: RuleResult, case: CaseResult, check: CheckResult) -> str:
    """What to do where the change is intended."""
    name = result.key_path.rpartition(".")[2]
    if result.kind == "max_increase" and check.baseline_is_lock:
        words = ["archprof", "check", "--update-lock", case.file or case.variant]
        return shlex.join(words if _is_found(check.config) else [*words, "--config", check.config])
    line = f":{result.key_line}" if result.key_line is not None else ""
    return f"change {name}.{result.kind} in {check.config}{line}"


def _is_found(config: str) -> bool:
    """Whether a budget file is one that `check` finds by itself: in the working folder, or in one above it."""
    path = PurePath(config)
    return path.name in ("archprof.toml", "pyproject.toml") and all(part == ".." for part in path.parent.parts)


def finding_text(result: RuleResult, case: CaseResult) -> str:
    """Everything but the file, in one line for a place that has no room for more."""
    parts = [f"{value_text(result)}; {expected(result)}; {excess(result)}", attribution(result, case), result.message]
    return ". ".join(" ".join(part.split()).rstrip(".") for part in parts if part)


def counts(check: CheckResult) -> str:
    """How many cases there are, and what became of them."""
    states = ["ok" if case.state == "no_baseline" else case.state for case in check.cases]
    parts = [f"{states.count(state)} {text}" for state, text in _STATES.items() if state in states]
    return f"{units.plural(len(states), 'case')}: {', '.join(parts)}"


def tightest(case: CaseResult) -> str:
    """Of a case that holds: which bound is the nearest to not doing so; how many there are, where that is unknown."""
    holding = [result for result in case.results if result.state == "ok"]
    used = {
        result.metric: float(result.actual / result.bound)
        for result in holding
        if result.kind == "max" and result.bound
    }
    nearest = max(used, key=lambda name: used[name], default=None)
    if nearest is not None:
        text = f"{nearest} at {_percent(used[nearest])} of its max"
    else:
        text = f"within {units.plural(len(holding), 'bound')}" if holding else ""
    unclear = [undecided(result) for result in case.results if result.state == "inconclusive"]
    notes = dict.fromkeys(result.note or "no baseline" for result in case.without_baseline)
    return "; ".join(filter(None, (text, *unclear, *notes))) or "not checked"


def figures(case: CaseResult) -> list[str]:
    """Every figure of a case that a bound is about, each once."""
    return list(dict.fromkeys(f"{result.metric} {amount(result.actual, result.metric)}" for result in case.results))


def undecided(result: RuleResult) -> str:
    """What there is to say of a latency that may be within its bound or beyond it."""
    note = f" ({result.note})" if result.note else ""
    return f"{result.metric} {value_text(result)}: no significant difference from the bound, {expected(result)}{note}"


def _growth(result: RuleResult) -> str:
    assert result.baseline is not None
    change = result.actual - result.baseline
    sign = "+" if change >= 0 else "-"
    share = f", {sign}{_percent(abs(change) / abs(result.baseline))}" if result.baseline else ""
    return f"{sign}{amount(abs(change), result.metric)}{share}"


def _percent(share: float) -> str:
    """A share with two digits that count, however small: ``2.6 %``, ``0.0031 %``."""
    percentage = share * 100
    if percentage >= 10:
        return f"{percentage:,.0f} %" if percentage >= 100 else f"{percentage:.1f} %"
    return f"{percentage:.2g} %"
