"""The pytest plugin: a fixture with which a model's own tests assert a budget.

It imports nothing of archprof until the fixture is used, and torch only when something is profiled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from archprof.records.check_result import CheckResult
    from archprof.records.profile import Profile


class Budgets:
    """What the fixture gives: each call fails the test where a budget does not hold."""

    def check(self, *references: str, config: Path | str | None = None, against: str | None = None) -> CheckResult:
        """Hold the repository's models to its budget file, as :func:`archprof.check` does."""
        from archprof import api

        return _held(api.check(*references, config=config, against=against))

    def within(self, subject: Profile | str, **budget: Any) -> CheckResult:
        """Hold one model to a budget, as :func:`archprof.within` does."""
        from archprof import api

        return _held(api.within(subject, **budget))

    def profile(self, *arguments: Any, **options: Any) -> Profile:
        """Profile a model, as :func:`archprof.profile` does."""
        from archprof.api import profile

        return profile(*arguments, **options)


@pytest.fixture
def archprof() -> Budgets:
    """Budgets of models: ``archprof.within(archprof.profile(model, x), flops="8.2 GFLOPs")``."""
    return Budgets()


def _held(check: CheckResult) -> CheckResult:
    """The check, where it ends well.

    Raises:
        pytest.fail.Exception: Where it does not, with what the command line would print.
    """
    if check.exit_code:
        from archprof.render import Page, View
        from archprof.render.check import report
        from archprof.render.formats import FORMATS

        pytest.fail(FORMATS["text"].text(report(check, View()), Page(width=100)), pytrace=False)
    return check
