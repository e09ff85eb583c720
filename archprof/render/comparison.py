"""A comparison as a report: two models in full, or a table of several."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from archprof.compare.pareto import axes
from archprof.records.metrics import find_metric
from archprof.records.profile import FORWARD_PASS, Profile
from archprof.render import changes, columns, facts, several
from archprof.render.attribution_text import attribution_text, differs
from archprof.render.figures import figures_of
from archprof.render.report import Report
from archprof.render.source_lines import changed_lines
from archprof.units import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.compare.model import Model
    from archprof.records.comparison import Comparison, Pair, Side
    from archprof.render import View
    from archprof.render.report import Fact
    from archprof.render.table import Table


def report(comparison: Comparison, view: View, models: Sequence[Profile | Model] = ()) -> Report:
    """Of two models the metrics and the rows that changed, of several one line each.

    Args:
        comparison: What came of it.
        view: What of it is wanted.
        models: What was compared, in the same order; needed where the view names columns.
    """
    pair = _only(comparison)
    rows = _rows(pair, view) if pair else None
    subjects = [_subject(side, model) for side, model in zip(comparison.models, models, strict=True)] if models else []
    by_model = columns.chosen_table(subjects, view.columns) if view.columns else changes.models(comparison)
    by_model = several.with_failures(by_model, comparison.failures)
    return Report(
        title=_title(comparison),
        about=_shared(comparison),
        facts=_facts(comparison),
        conclusions=_conclusions(comparison) if pair else [],
        tables=[
            changes.metrics(pair) if pair and not view.columns and not comparison.failures else by_model,
            *([rows] if rows else []),
        ],
        figures=lambda: figures_of([comparison], "changes", "pareto"),
        diff=changed_lines(pair) if pair else (),
        notes=[
            *columns.absent(subjects, view.columns),
            *([] if pair else [_front(comparison)]),
            *several.reasons(comparison.failures),
        ],
        record=comparison,
        data=rows if rows and not view.columns else by_model,
    )


def _only(comparison: Comparison) -> Pair | None:
    return comparison.pairs[0] if len(comparison.pairs) == 1 else None


def _title(comparison: Comparison) -> str:
    names = [side.name for side in comparison.models]
    return " → ".join(names) if len(names) == 2 else ", ".join(names)


def _subject(side: Side, model: Profile | Model) -> columns.Subject:
    if isinstance(model, Profile):
        return columns.of_profile(model, name=side.name)
    return columns.Subject(
        labels={**columns.identity(side.name, model.variant, model.input), "device": model.device},
        of=model.of,
        lower_bound=model.lower_bound,
        unknown=model.unknown,
    )


def _rows(pair: Pair, view: View) -> Table | None:
    """What became of each row or module; None where there is nothing to show."""
    if pair.parts == "none" or view.detail == "none":
        return None
    table = changes.changes(pair, everything=view.detail == "all")
    if view.top is not None:
        table = table.largest("flops_difference", "parameters_difference").top(view.top)
    return replace(table, folded=plural(len(table.records), pair.parts[:-1])) if table.records else None


def _facts(comparison: Comparison) -> list[Fact]:
    """On what each was run, where that is not the same, and in what else the models differ beside their rows."""
    models, pair = comparison.models, _only(comparison)
    result: list[Fact] = []
    if not _shared(comparison):
        labels = ("before", "after") if pair else [side.name for side in models]
        result += [
            (label, [side.name, *_kind(side)] if pair else _kind(side))
            for label, side in zip(labels, models, strict=True)
        ]
    for entry in comparison.pairs:
        name = "" if pair else models[entry.after].name
        incomparable = [differs(difference) for difference in entry.differences if not difference.comparable]
        comparable = [differs(difference) for difference in entry.differences if difference.comparable]
        if incomparable:
            result.append(("! differs", _of(name, [*incomparable, "so the figures are not of the same thing"])))
        if comparable:
            result.append(("differs", _of(name, comparable)))
    return [*result, *(fact for side in models for fact in _unknown(side)), *_predictions(models)]


def _of(name: str, pieces: Sequence[str]) -> list[str]:
    """The pieces of a fact, behind the name of what it is of, where it is not of both."""
    first, *more = pieces
    return [f"{name}: {first}" if name else first, *more]


def _predictions(models: Sequence[Side]) -> list[Fact]:
    """How long each should take, with its interval, or why that is not known; nothing where it is of none."""
    result: list[Fact] = [
        ("", _of(side.name, facts.prediction_pieces(side.prediction))) for side in models if side.prediction
    ]
    absent: dict[str, list[str]] = {}
    for side in models:
        if side.prediction_absent:
            absent.setdefault(side.prediction_absent, []).append(side.name)
    result += [
        ("", _of(", ".join(names) if result else "", [f"not known: {reason}"])) for reason, names in absent.items()
    ]
    return [("predicted" if not index else label, pieces) for index, (label, pieces) in enumerate(result)]


def _shared(comparison: Comparison) -> list[str]:
    """How all models were built and run; nothing where that is not the same."""
    first, *more = map(_kind, comparison.models)
    return first if all(kind == first for kind in more) else []


def _kind(side: Side) -> list[str]:
    if side.input is None:
        settings = [setting.replace("=", " ") for setting in (side.locked or "").split(" ") if setting]
        return [side.variant.name, *settings, "as locked"]
    return [*facts.about_scaled(side.variant, side.input), *(["training"] if side.training else [])]


def _unknown(side: Side) -> list[Fact]:
    """The operations of a model that have no formula, and what that means for the difference."""
    if FORWARD_PASS in side.unknown:
        return [("compute", [f"that of {side.name} is {facts.COMPUTE_NOT_KNOWN}"])]
    bound = "(its totals are lower bounds, and so no difference is certain)"
    return [
        (label, [f"{side.name}: {first}", *others, bound]) for label, (first, *others, _) in facts.unknown(side.unknown)
    ]


def _conclusions(comparison: Comparison) -> list[str]:
    """The sentences that say why two models differ."""
    pair = comparison.pairs[0]
    notes = list(dict.fromkeys(f"{delta.metric}: {delta.note}" for delta in pair.metrics if delta.note))
    return [*_attributions(comparison, pair), *notes]


def _attributions(comparison: Comparison, pair: Pair) -> list[str]:
    if pair.export:
        what = "export" if pair.parts == "rows" else "rewrite"
        return [f"{what}: {sentence}" for sentence in pair.export]
    if all(not delta.difference for delta in pair.metrics if find_metric(delta.metric).exact):
        return ["no figure differs" if all(map(_is_whole, comparison.models)) else "no figure that both have differs"]
    if pair.parts == "none" and any(side.locked for side in comparison.models):
        return ["no row-by-row comparison: the lock file has no rows of these models"]
    if pair.parts == "none":
        return ["no row-by-row comparison: one of them has rows and the other has none"]
    return attribution_text(pair, comparison.models[pair.before], comparison.models[pair.after])


def _is_whole(side: Side) -> bool:
    """Whether a model has all figures, and not those of its weights alone."""
    return FORWARD_PASS not in side.unknown


def _front(comparison: Comparison) -> str:
    names = [
        f"{metric.label} ({'less' if lower else 'more'} is better)"
        for metric, lower in axes(comparison.front.x, comparison.front.y)
    ]
    return f"* on the Pareto front of {' and '.join(names)}"
