"""Rows of a variant that may have other channels, and which: tried, so that each can be built."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fnmatch import fnmatchcase
from fractions import Fraction
from itertools import combinations
from typing import TYPE_CHECKING

from archprof.errors import ArchprofError, UsageError
from archprof.quantity import exact
from archprof.suggest.decomposition import scopes_of
from archprof.suggest.patterns import HEAD, permitted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from archprof.records.profile import Profile
    from archprof.sources.spec import VariantSpec
    from archprof.suggest.factors import Scope

MULTIPLE = 8
"""What channels are multiples of, as Ultralytics has them."""

Edits = dict[str, int]
"""Parts of rows, as :meth:`~archprof.sources.spec.VariantSpec.edited` takes them, and what they are to be."""


@dataclass(frozen=True)
class Width:
    """Rows that have the same channels, which may be others.

    Attributes:
        rows: The rows; several where one takes what the other gives as it is.
        channels: What they may have; first what they have.
        edits: For each of those, what makes it so.
    """

    rows: tuple[int, ...]
    channels: tuple[int, ...]
    edits: tuple[Edits, ...]


@dataclass(frozen=True)
class ChannelSpace:
    """The rows of a variant whose channels may change.

    Attributes:
        widths: Which, and to what.
        scopes: The widths that meet in a row, by index.
        unchanged: Whether a width may stay what it is.
        exclusions: What cannot be built, and why.
    """

    widths: tuple[Width, ...]
    scopes: tuple[Scope, ...]
    unchanged: bool
    exclusions: tuple[str, ...]

    def choices(self, width: int) -> range:
        """The choices that a width may take, by index."""
        first = 0 if self.unchanged or len(self.widths[width].channels) == 1 else 1
        return range(first, len(self.widths[width].channels))

    def edits(self, assignment: Sequence[int]) -> Edits:
        """What makes the widths so."""
        edits: Edits = {}
        for width, choice in zip(self.widths, assignment, strict=True):
            edits |= width.edits[choice]
        return edits

    def channels(self, assignment: Sequence[int]) -> dict[str, int]:
        """The channels of the rows that change, by module."""
        return {
            f"model.{row}": width.channels[choice]
            for width, choice in zip(self.widths, assignment, strict=True)
            for row in width.rows
            if choice
        }


def channel_space(
    spec: VariantSpec,
    profile: Profile,
    factors: Sequence[Fraction],
    multiple: int,
    only: Sequence[str],
    never: Sequence[str],
    count: Callable[[Sequence[Edits]], Sequence[Profile | ArchprofError]],
) -> ChannelSpace:
    """The rows that may have other channels, each choice of which was built with all else as it is.

    Args:
        spec: The variant.
        profile: What it has.
        factors: How many times its channels each row may have.
        multiple: What those are multiples of, rounded to the nearest.
        only: Patterns of the rows that may change: ``model.2``, a block's name; all where there are none.
        never: Patterns of those that may not.
        count: Counts the variant with edits.

    Raises:
        UsageError: Where a pattern matches no such row, or none can change.
    """
    bases = _rows(spec, profile)
    allowed = _permitted_rows(spec, list(bases), only, never)
    targets = {
        row: sorted(
            {max(multiple, _nearest(bases[row] * factor, multiple)) for factor in factors if factor != 1} - {bases[row]}
        )
        for row in allowed
    }
    layers = [(layer.index, [at if at >= 0 else layer.index + at for at in layer.from_]) for layer in profile.layers]
    meetings = scopes_of(layers, {row: row for row in allowed})
    edits_by_rows, causes = _buildable(spec, {(row,): targets[row] for row in allowed}, count)
    unbuildable = [row for row in allowed if targets[row] and not edits_by_rows[(row,)]]
    ties = _groups_of_equals(unbuildable, bases, meetings)
    edits_of_ties, causes_of_ties = _buildable(spec, {tie: targets[tie[0]] for tie in ties}, count)
    groups = {**{rows: edits for rows, edits in edits_by_rows.items() if edits}, **edits_of_ties}
    for tie in ties:
        for row in tie:
            causes.pop((row,), None)
    causes |= causes_of_ties
    widths = [
        Width(rows, (bases[rows[0]], *edits), ({}, *edits.values())) for rows, edits in sorted(groups.items()) if edits
    ]
    if not widths:
        reason = next((text for texts in causes.values() for text in texts.values()), "none is near enough a multiple")
        raise UsageError(f"--vary channels: no row of {spec.reference} can have other channels: {reason}")
    variables = {row: number for number, width in enumerate(widths) for row in width.rows}
    exclusions = [
        f"{' and '.join(f'model.{row}' for row in rows)} with {channels} channels: {cause}"
        for rows, texts in sorted(causes.items())
        for channels, cause in texts.items()
    ]
    return ChannelSpace(tuple(widths), scopes_of(layers, variables), 1 in factors, tuple(exclusions))


def _rows(spec: VariantSpec, profile: Profile) -> dict[int, int]:
    """The channels of each row whose first argument says them; the last row never does."""
    rows = {}
    for row, layer in zip(spec.rows[:-1], profile.layers, strict=False):
        first = row.arguments[0] if row.arguments else None
        sizes = layer.output_shapes[0] if len(layer.output_shapes) == 1 else []
        if isinstance(first, int) and not isinstance(first, bool) and first > 0 and len(sizes) > 1:
            scaled = math.ceil(min(first, spec.factors.max_channels) * spec.factors.width / MULTIPLE) * MULTIPLE
            if sizes[1] in (first, scaled):  # the argument of others, as of Concat, is something else
                rows[row.index] = sizes[1]
    return rows


def _permitted_rows(spec: VariantSpec, rows: Sequence[int], only: Sequence[str], never: Sequence[str]) -> list[int]:
    """The rows that patterns let through.

    Raises:
        UsageError: Where a pattern matches none, or none is left.
    """

    def matches(pattern: str) -> set[int]:
        return {row for row in rows if fnmatchcase(f"model.{row}", pattern) or spec.rows[row].module == pattern}

    # The last row never has channels of its own.
    never = [pattern for pattern in never if pattern != HEAD]
    names = {row: f"model.{row}" for row in rows}
    forms = f"{HEAD}, the name of a block, or a row"
    chosen = permitted(names, matches, only, never, "rows with channels", forms)
    if not chosen:
        raise UsageError(f"--vary channels: {spec.reference} has no row left whose channels may change")
    return sorted(chosen)


def _buildable(
    spec: VariantSpec,
    targets: Mapping[tuple[int, ...], Sequence[int]],
    count: Callable[[Sequence[Edits]], Sequence[Profile | ArchprofError]],
) -> tuple[dict[tuple[int, ...], dict[int, Edits]], dict[tuple[int, ...], dict[int, str]]]:
    """What makes rows have some channels, where it was built; and why it was not.

    A row's first argument is its channels, or those before the width's factor: the first of both that does is taken.
    """
    edits_by_rows: dict[tuple[int, ...], dict[int, Edits]] = {rows: {} for rows in targets}
    causes: dict[tuple[int, ...], dict[int, str]] = {}
    for factor in dict.fromkeys((exact(spec.factors.width), Fraction(1))):
        missing = [
            (rows, channels)
            for rows, values in targets.items()
            for channels in values
            if channels not in edits_by_rows[rows]
        ]
        edits = [{f"row {row} args[0]": math.ceil(channels / factor) for row in rows} for rows, channels in missing]
        for (rows, channels), edit, outcome in zip(missing, edits, count(edits), strict=True):
            if isinstance(outcome, ArchprofError):
                causes.setdefault(rows, {}).setdefault(channels, outcome.message)
            elif all(outcome.layers[row].output_shapes[0][1] == channels for row in rows):
                edits_by_rows[rows][channels] = edit
                causes.get(rows, {}).pop(channels, None)
            else:
                causes.setdefault(rows, {}).setdefault(channels, "the block, or the cap on channels, gives others")
    # In the order of channels, whichever argument gave them.
    return {rows: dict(sorted(edits.items())) for rows, edits in edits_by_rows.items()}, causes


def _groups_of_equals(
    unbuildable: Sequence[int], bases: Mapping[int, int], meetings: Sequence[Scope]
) -> list[tuple[int, ...]]:
    """The rows that cannot change alone, together with those that they meet in a row: those of the same channels."""
    groups = {row: {row} for row in unbuildable}
    for scope in meetings:
        for first, second in combinations([row for row in scope if row in groups], 2):
            if bases[first] == bases[second]:
                joined = groups[first] | groups[second]
                for row in joined:
                    groups[row] = joined
    return sorted({tuple(sorted(group)) for group in groups.values() if len(group) > 1})


def _nearest(amount: Fraction, multiple: int) -> int:
    """The nearest multiple, the larger of two."""
    return math.floor(amount / multiple + Fraction(1, 2)) * multiple


def without_cap(spec: VariantSpec) -> VariantSpec:
    """The same network with no cap on channels: rows that are capped have less of them written."""
    most = spec.factors.max_channels
    if spec.scale is None or most == math.inf:
        return spec
    for row in spec.rows:
        first = row.arguments[0] if row.arguments else None
        if isinstance(first, int) and not isinstance(first, bool) and first > most:
            spec = spec.edited(f"row {row.index} args[0]", int(most))
    return spec.edited("max_channels", math.inf)
