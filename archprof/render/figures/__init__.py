"""Pictures of results, declared as Vega or Vega-Lite specifications: plain data, which a page draws and a file holds.

A kind of figure is a file here, in the list below. It says which records it draws, and makes the figures of those that
it is given; nothing here draws, or imports what does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from archprof.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Spec = dict[str, Any]
"""A Vega-Lite specification, or a Vega one, as its ``$schema`` says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One picture.

    Attributes:
        kind: What it is one of: a name in :data:`FIGURES`.
        title: What it shows.
        text: What it says, in a sentence, for whoever does not see it.
        spec: The picture, without colours of text, fonts and width, which depend on where it is drawn.
        about: What one must know to quote it: input, unit, convention, versions.
        command: What makes it again.
    """

    kind: str
    title: str
    text: str
    spec: Spec
    about: Sequence[str] = ()
    command: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What of the records is wanted in a figure; each kind takes what concerns it.

    Attributes:
        counter: The counter or convention of a waterfall; None for each that there is.
        metric: What areas or steps are amounts of; None for the figure's own choice.
        parts: What they are of: "rows", "modules" or "operations".
        x: The metric on the x axis of a scatter; None for the figure's own choice.
        y: That on its y axis.
        limits: By metric, the largest value that is allowed, drawn into a scatter.
    """

    counter: str | None = None
    metric: str | None = None
    parts: str | None = None
    x: str | None = None
    y: str | None = None
    limits: Mapping[str, float] = field(default_factory=dict)


class FigureKind(ABC):
    """A kind of figure.

    Attributes:
        name: What the command line calls it.
        help: What it shows, in a few words.
        source: What is computed of a model that somebody names to draw it: "profile", "experts", "memory",
            "comparison", or "benchmark", which only a saved file has.
        absent: What it is drawn of, for records that have nothing for it, and how to get that.
        alternatives: Whether the figures of one profile are ways to look at the same; a file takes the first of them.
        options: The options of the command line that concern it, by their names.
        metrics: What ``--metric`` takes, by name.
    """

    name: ClassVar[str]
    help: ClassVar[str]
    source: ClassVar[str] = "profile"
    absent: ClassVar[str]
    alternatives: ClassVar[bool] = False
    options: ClassVar[tuple[str, ...]] = ()
    metrics: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def figures(self, records: Sequence[Any], choice: Choice) -> Iterator[Figure]:
        """The figures of some records; none where they have nothing for it.

        Args:
            records: Results of any kind; those of others are passed over.
            choice: What of them is wanted.
        """


FIGURES: Registry[FigureKind] = Registry(
    "figure",
    __name__,
    (
        "waterfall",
        "treemap",
        "roofline",
        "memory",
        "pareto",
        "changes",
        "ratios",
        "curve",
        "distribution",
        "paired",
        "shares",
    ),
)
"""Every kind of figure by its name."""


def figures_of(records: Sequence[Any], *kinds: str, choice: Choice | None = None) -> list[Figure]:
    """The figures of some records, kind by kind; all kinds where none is named."""
    choice = choice or Choice()
    return [figure for name in kinds or FIGURES for figure in FIGURES[name].figures(records, choice)]


def kinds_of(records: Sequence[Any]) -> list[str]:
    """The kinds of figures that some records have, by name."""
    return [name for name, kind in FIGURES.items() if any(True for _ in kind.figures(records, Choice()))]
