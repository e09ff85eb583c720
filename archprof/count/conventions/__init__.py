"""Rules that turn a model into one number: the exact count in its units, and what others print, replayed.

Each is one file with a function ``figures`` over a :class:`~archprof.count.conventions.subject.Subject`, and one entry
in :mod:`archprof.records.conventions`, which lists them without importing torch. They are views of one model: what
several of them need beside the ledger, such as the functions that were called, is recorded once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from archprof.count.conventions.subject import NotApplicableError, reason
from archprof.count.figures import reported
from archprof.records.conventions import DEFAULT, find_convention

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from archprof.count.conventions.subject import Subject
    from archprof.count.figures import Figures
    from archprof.records.conventions import Convention
    from archprof.records.profile import Reported


def reports(
    subject: Subject, names: Iterable[str], *, asked: Collection[str] = ()
) -> tuple[dict[str, Reported], tuple[str, ...]]:
    """The figures of several conventions, and why others have none: a failure never takes anything else with it.

    Args:
        subject: The model, run and counted.
        names: The conventions; the exact FLOPs are in the totals and have no figure here.
        asked: Those of them that the user asked for by name. They have the share of each module, and where there is no
            figure a remark always says so. Of the others nothing is said where their tool is not for such a model.

    Returns:
        Convention -> figure, and remarks.

    Raises:
        UsageError: Where there is no such convention.
    """
    figures: dict[str, Reported] = {}
    remarks: list[str] = []
    for convention in map(find_convention, dict.fromkeys(names)):
        name = convention.name
        if name == DEFAULT:
            continue
        try:
            figures[name] = report(convention, subject, shares=name in asked)
        except Exception as error:
            if name in asked:
                remarks.append(f"--convention {name} cannot be given: {reason(error)}")
            elif not isinstance(error, NotApplicableError):
                remarks.append(f"no {name} figure: {reason(error)}")
    return figures, tuple(remarks)


def report(convention: Convention, subject: Subject, *, shares: bool = True) -> Reported:
    """The figure that a convention gives a model.

    Args:
        convention: The rule.
        subject: The model, run and counted.
        shares: Whether to say which part of it each module has.

    Raises:
        NotApplicableError: Where the tool is not for such a model: thop and Ultralytics look at images.
        ToolStopsError: Where the tool itself ends in an error.
        RunError: Where the model does not run as the rule has it run.
    """
    return reported(convention, figures_of(convention, subject), subject.shape, shares=shares)


def figures_of(convention: Convention, subject: Subject) -> Figures:
    """What a convention gives each operation, function or module of a model.

    Raises:
        RunError: As :func:`report` does.
    """
    figures: Figures = import_module(f"{__name__}.{convention.module}").figures(subject)
    return figures
