"""Rules that turn a model into one number: the exact count in its units, and what others print, replayed.

Each is one file with a function ``figures`` over a :class:`~archprof.count.conventions.subject.Subject`, and one entry
in :mod:`archprof.records.conventions`, which lists them without importing torch. They are views of one model: what
several of them need beside the ledger, such as the functions that were called, is recorded once.
"""

from __future__ import annotations

from collections import Counter
from importlib import import_module
from typing import TYPE_CHECKING

from archprof.count.conventions.subject import NotApplicableError, reason
from archprof.records.conventions import DEFAULT, find_convention
from archprof.records.profile import Missed, Reported, Share

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from fractions import Fraction

    from archprof.count.conventions.subject import Figures, Item, Subject
    from archprof.records.conventions import Convention


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
    figures: Figures = import_module(f"{__name__}.{convention.module}").figures(subject)
    parts = _by_part(figures.items)
    total = sum(part.amount for part in parts)
    return Reported(
        gflops=float(total * figures.scale / 10**9),
        unit=f"{convention.unit} ({convention.rule})",
        operations=total,
        input_shape=list(figures.shape or subject.shape),
        per_image=figures.per_image,
        exact_macs=sum(part.macs for part in parts),
        missed=_missed(parts) if convention.tool else [],
        added=_added(parts, figures.scale * (1 if "FLOP" in convention.unit else 2)) if convention.tool else [],
        shares=parts if shares else [],
    )


def _by_part(items: Iterable[Item]) -> list[Share]:
    """One share for all calls of one operation in one module."""
    parts: dict[tuple[str, str], list[Item]] = {}
    for item in items:
        parts.setdefault((item.path, item.operation), []).append(item)
    return [
        Share(
            module=path,
            operation=operation,
            # A convention that looks at another image has the amounts and the exact MACs in items of their own.
            calls=max(sum(item.amount > 0 for item in same), sum(item.macs > 0 for item in same)),
            amount=sum(item.amount for item in same),
            macs=sum(item.macs for item in same),
        )
        for (path, operation), same in parts.items()
    ]


def _missed(parts: Iterable[Share]) -> list[Missed]:
    """What has multiply-accumulates and is given nothing, largest first."""
    calls: Counter[str] = Counter()
    flops: Counter[str] = Counter()
    for part in parts:
        if part.macs and not part.amount:
            calls[part.operation] += part.calls
            flops[part.operation] += 2 * part.macs
    return [Missed(operation=name, calls=calls[name], flops=total) for name, total in flops.most_common()]


def _added(parts: Iterable[Share], scale: Fraction) -> list[Missed]:
    """What is given to operations beyond what their multiply-accumulates take, largest first.

    Args:
        parts: What the convention gives each operation.
        scale: FLOPs that one of its units of ``amount`` stands for.
    """
    calls: Counter[str] = Counter()
    flops: Counter[str] = Counter()
    for part in parts:
        if part.amount:
            calls[part.operation] += part.calls
            flops[part.operation] += round(part.amount * scale) - 2 * part.macs
    return [Missed(operation=name, calls=calls[name], flops=total) for name, total in flops.most_common() if total > 0]
