"""A check as a report: what is wrong first and at length, then a line for each case that holds."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from archprof import units
from archprof.records.metrics import find_metric
from archprof.render import finding_text
from archprof.render.report import Finding, Outcome, Report, Suite
from archprof.render.table import Column, Table

if TYPE_CHECKING:
    from archprof.records.check_result import CaseResult, CheckResult, RuleResult
    from archprof.render import View

_RANK = {"error": 0, "failed": 1, "warning": 2, "inconclusive": 3, "no_baseline": 4, "ok": 5}

_TITLES = {0: "Within budget", 1: "Over budget", 2: "Could not be evaluated"}

RULES = {
    "not-evaluated": "A variant that could not be evaluated",
    "max": "More than the budget's max",
    "min": "Less than the budget's min",
    "max_increase": "Grown by more than the budget's max_increase",
}
"""What may be wrong, by the name that tools know it under."""

LIMIT = 60_000
"""The most characters to post: GitHub takes 65,536 in a comment, and 1 MiB in a step's summary."""

_HOLDING = (
    Column("state", ""),
    Column("variant", "variant", wraps=True),
    Column("settings", "settings", wraps=True),
    Column("tightest", "tightest bound", wraps=True),
    Column("input", "input", visible=False, wide=True),
    Column("figures", "figures", visible=False, wide=True),
)

_CHANGES = (
    Column("case", "case", wraps=True),
    Column("metric", "metric"),
    Column("before", "before"),
    Column("after", "after"),
    Column("difference", "Δ", absent="–"),
)

_DATA = tuple(
    Column(key, key)
    for key in (
        *("variant", "file", "settings", "state", "metric", "rule", "limit", "unit", "actual", "bound", "baseline"),
        *("excess", "row", "line", "message", "error"),
    )
)
"""One line a rule; ``actual``, ``bound``, ``baseline`` and ``excess`` are in ``unit``."""


def report(check: CheckResult, view: View) -> Report:
    """What could not be evaluated, what exceeds a bound, and what holds."""
    wrong = [(case, result) for case in check.cases for result in _violations(case)]
    wrong.sort(key=lambda pair: (_RANK[pair[1].state], -pair[1].share))
    errors = _errors(check)
    return Report(
        title=_TITLES[check.exit_code],
        about=[check.config],
        failed=check.exit_code > 0,
        parts=[
            *(_error_part(title, case) for title, case in errors),
            *(_part(case, result, check) for case, result in wrong),
            *_changes(check),
            *_holding(check),
        ],
        record=check,
        data=Table(_DATA, tuple(record for case in check.cases for record in _records(case)), label="variant"),
        findings=[
            *(_error_finding(title, case, check) for title, case in errors),
            *(_finding(case, result, check) for case, result in wrong),
        ],
        suites=[_suite(case, check) for case in check.cases],
        root=check.root or "",
        rules=RULES,
        verdict=finding_text.counts(check),
        exit_code=check.exit_code,
        limit=LIMIT,
    )


def _errors(check: CheckResult) -> list[tuple[str, CaseResult]]:
    """What could not be evaluated, each mistake once, with a title that says how often it was met."""
    cases: dict[tuple[Any, ...], list[CaseResult]] = {}
    for case in check.cases:
        if case.error is not None:
            cases.setdefault((case.variant, case.error, case.error_line), []).append(case)
    return [
        (finding_text.title(first) if not more else f"{first.variant} · {len(more) + 1} settings", first)
        for first, *more in cases.values()
    ]


def _violations(case: CaseResult) -> list[RuleResult]:
    """What of a case does not hold."""
    return [result for result in case.results if result.state in ("failed", "warning")]


def _error_part(title: str, case: CaseResult) -> Report:
    where = [] if case.error_line is None else [f"{case.error_file}:{case.error_line}"]
    return Report(
        title=title,
        status="COULD NOT BE EVALUATED",
        failed=True,
        facts=[("cause", (case.error or "").splitlines()), *([("where", where)] if where else [])],
    )


def _part(case: CaseResult, result: RuleResult, check: CheckResult) -> Report:
    failed = result.state == "failed"
    facts = {
        "expected": finding_text.expected(result),
        "actual": finding_text.value_text(result),
        "excess": finding_text.excess(result),
        "cause": finding_text.attribution(result, case),
        "message": result.message,
        "to accept": finding_text.accept(result, case, check),
    }
    return Report(
        title=f"{finding_text.title(case)} · {result.metric}",
        status="OVER BUDGET" if failed else "warning",
        failed=failed,
        facts=[(label, [" ".join(text.split())]) for label, text in facts.items() if text],
    )


def _changes(check: CheckResult) -> list[Report]:
    """Before and after, of each figure that is not what the baseline has; nothing where all are the same."""
    figures = {
        (finding_text.title(case), result.metric): (result.baseline, result.actual)
        for case in check.cases
        for result in case.results
        if result.baseline is not None and result.actual != result.baseline
    }
    records = tuple(
        (
            title,
            metric,
            finding_text.full(before, metric),
            finding_text.full(after, metric),
            f"{100 * (after - before) / before:+.2f} %" if before else None,
        )
        for (title, metric), (before, after) in figures.items()
    )
    return [Report(title=f"Changed since {check.baseline}", tables=[Table(_CHANGES, records, label="case")])][
        : len(records)
    ]


def _holding(check: CheckResult) -> list[Report]:
    """The cases that hold, and of the others what may hold or not."""
    cases = [case for case in check.cases if case.error is None]
    holding = [case for case in cases if not _violations(case)]
    holding.sort(key=lambda case: _RANK[case.state])
    records = tuple(
        (
            "?" if case.state == "inconclusive" else "ok",
            case.variant,
            finding_text.settings(case),
            finding_text.tightest(case),
            " + ".join(map(units.shape, case.shapes)),
            ", ".join(finding_text.figures(case)),
        )
        for case in holding
    )
    undecided = [
        f"{finding_text.title(case)}: {finding_text.undecided(result)}"
        for case in cases
        if case not in holding
        for result in case.results
        if result.state == "inconclusive"
    ]
    if not records and not undecided:
        return []
    return [Report(tables=[Table(_HOLDING, records, label="variant")] if records else [], notes=undecided)]


def _records(case: CaseResult) -> list[tuple[Any, ...]]:
    about = (case.variant, case.file, finding_text.settings(case))
    if case.error is not None:
        return [(*about, "error", *(None,) * 11, "; ".join(case.error.splitlines()))]
    return [
        (
            *(*about, result.state, result.metric, result.kind, result.limit, find_metric(result.metric).unit.value),
            *(result.actual, result.bound, result.baseline, None if result.bound is None else result.excess),
            *(*_row_and_line(result), result.message, None),
        )
        for result in case.results
    ]


def _row_and_line(result: RuleResult) -> tuple[int | None, int | None]:
    return (result.attribution.row, result.attribution.line) if result.attribution else (None, None)


def _error_finding(title: str, case: CaseResult, check: CheckResult) -> Finding:
    return Finding(
        rule="not-evaluated",
        level="error",
        blocking=True,
        file=(file := case.error_file or case.file or check.config),
        path=check.from_root(file),
        line=case.error_line,
        title=f"{title} could not be evaluated",
        text="; ".join((case.error or "").splitlines()),
        fingerprint=_fingerprint("not-evaluated", "", case),
    )


def _finding(case: CaseResult, result: RuleResult, check: CheckResult) -> Finding:
    file, line = case.file, result.attribution.line if result.attribution else None
    if file is None:
        file, line = check.config, result.key_line
    return Finding(
        rule=result.kind,
        level="error" if result.state == "failed" else "warning",
        file=file,
        path=check.from_root(file),
        line=line,
        title=f"{finding_text.title(case)}: {result.metric}",
        text=finding_text.finding_text(result, case),
        fingerprint=_fingerprint(result.kind, result.metric, case),
    )


def _fingerprint(rule: str, metric: str, case: CaseResult) -> str:
    """The same for the same bound of the same case, whatever the value is."""
    parts = (rule, metric, case.variant, finding_text.settings(case))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _suite(case: CaseResult, check: CheckResult) -> Suite:
    """A case with each of its bounds. A warning passes, and what has no baseline is skipped; both say why."""
    title = finding_text.title(case)
    outcomes = [_outcome(case, result, check) for result in case.results]
    if case.error is not None:
        first, *_ = case.error.splitlines() or [title]
        outcomes.append(Outcome(name="evaluated", state="error", message=first, text=case.error, rule="not-evaluated"))
    return Suite(name=title, tests=outcomes)


def _outcome(case: CaseResult, result: RuleResult, check: CheckResult) -> Outcome:
    name = f"{result.metric}.{result.kind}"
    short = f"{finding_text.value_text(result)}; {finding_text.expected(result)}"
    if result.state == "failed":
        accept = finding_text.accept(result, case, check)
        text = f"{finding_text.finding_text(result, case)}\nto accept: {accept}"
        return Outcome(name=name, state="failed", message=short, text=text, rule=result.kind)
    if result.state == "no_baseline":
        return Outcome(name=name, state="skipped", message=result.note or "no baseline")
    if result.state == "inconclusive":
        return Outcome(name=name, state="skipped", message=f"no significant difference: {short}")
    return Outcome(name=name, text=finding_text.finding_text(result, case) if result.state == "warning" else "")
