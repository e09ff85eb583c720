"""What is wrong, the worst first, each with the place that it points at: what every format but JSON is written from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from archprof.render.check_formats import finding_text

if TYPE_CHECKING:
    from archprof.records.check_result import Check, Judged, Judgement

_RANK = {"error": 0, "failed": 1, "warning": 2, "unclear": 3, "unjudged": 4, "ok": 5}

RULES = {
    "not-judged": "A variant that could not be judged",
    "max": "More than the budget's max",
    "min": "Less than the budget's min",
    "max_increase": "Grown by more than the budget's max_increase",
}
"""What may be wrong, by the name that tools know it under."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        case: Of what.
        judgement: The bound that does not hold; None where the case could not be judged.
        rule: Its kind, one of :data:`RULES`.
        level: "error" where the check fails for it.
        file: The YAML, or the budget file for what has none.
        line: The line there.
        title: What it is about, in a few finding_text.
        text: What there is to say.
    """

    case: Judged
    judgement: Judgement | None
    rule: str
    level: Literal["error", "warning"]
    file: str
    line: int | None
    title: str
    text: str

    @property
    def fingerprint(self) -> str:
        """The same for the same bound of the same case, whatever is found."""
        metric = self.judgement.metric if self.judgement else ""
        parts = (self.rule, metric, self.case.variant, finding_text.settings(self.case))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def cases(check: Check) -> list[Judged]:
    """The cases that were judged, the worst first, else in their order."""
    judged = [case for case in check.cases if case.error is None]
    return sorted(judged, key=lambda case: (_RANK[case.state], -max((one.share for one in beyond(case)), default=0)))


def not_judged(check: Check) -> list[tuple[str, Judged]]:
    """What could not be judged, each mistake once, with a title that says how often it was met."""
    met: dict[tuple[Any, ...], list[Judged]] = {}
    for case in check.cases:
        if case.error is not None:
            met.setdefault((case.variant, case.error, case.error_line), []).append(case)
    return [
        (finding_text.title(first) if not more else f"{first.variant} · {len(more) + 1} settings", first)
        for first, *more in met.values()
    ]


def beyond(case: Judged) -> list[Judgement]:
    """The judgements of a case that do not hold, the worst first."""
    found = [one for one in case.judgements if one.state in ("failed", "warning")]
    return sorted(found, key=lambda one: (_RANK[one.state], -one.share))


def findings(check: Check) -> list[Finding]:
    """Everything that is wrong: what could not be judged, then what fails, then what is only said; the worst first."""
    errors = [_error(title, case, check) for title, case in not_judged(check)]
    wrong = [(case, one) for case in check.cases for one in beyond(case)]
    wrong.sort(key=lambda pair: (_RANK[pair[1].state], -pair[1].share))
    return [*errors, *(_finding(case, one, check) for case, one in wrong)]


def _error(title: str, case: Judged, check: Check) -> Finding:
    return Finding(
        case=case,
        judgement=None,
        rule="not-judged",
        level="error",
        file=case.error_file or case.file or check.config,
        line=case.error_line,
        title=f"{title} could not be judged",
        text=" ".join((case.error or "").splitlines()),
    )


def _finding(case: Judged, one: Judgement, check: Check) -> Finding:
    file, line = case.file, one.attribution.line if one.attribution else None
    if file is None:
        file, line = check.config, one.place_line
    return Finding(
        case=case,
        judgement=one,
        rule=one.kind,
        level="error" if one.state == "failed" else "warning",
        file=file,
        line=line,
        title=f"{finding_text.title(case)}: {one.metric}",
        text=finding_text.sentence(one, case),
    )
