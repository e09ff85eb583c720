"""What a reference says, before anything is built: frozen, and free of torch."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

STOCK = "ultralytics"
"""The family of a file that belongs to no other."""


@dataclass(frozen=True, slots=True)
class Scale:
    """One entry of ``scales:``: depth and width multipliers, and the channels that width is capped at."""

    depth: float = 1.0
    width: float = 1.0
    max_channels: int | float = float("inf")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of ``backbone:`` or ``head:``, as written.

    ``sources`` are the rows it reads, as written (negative counts back from this row); ``many`` tells
    ``[4]`` from ``4``.
    """

    index: int
    sources: tuple[int, ...]
    many: bool
    repeats: int
    module: str
    arguments: tuple[Any, ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What a YAML says, whatever it is called and whichever scale is wanted.

    ``values`` are the top-level keys other than the rows and the scales, and ``value_lines`` where each stands.
    """

    rows: tuple[Row, ...]
    scales: dict[str, Scale]
    values: dict[str, Any]
    value_lines: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantSpec:
    """A YAML variant at one scale.

    ``path`` may be that of a file in a git revision (``HEAD~3:models/my.yaml``), so ``text`` holds what it says.
    ``values`` are the top-level keys other than the rows and the scales (``nc``, ``kpt_shape``,
    ``activation`` ...), with what ``--nc`` and ``--set`` changed already in place; ``settings`` says what
    those were.
    """

    name: str
    reference: str
    path: Path
    family: str
    rows: tuple[Row, ...]
    text: str = field(default="", repr=False)
    scales: Mapping[str, Scale] = field(default_factory=dict)
    scale: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    value_lines: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    depth: float = 1.0
    width: float = 1.0
    max_channels: float = float("inf")
    scale_assumed: bool = False

    def with_values(self, settings: Mapping[str, Any]) -> VariantSpec:
        """The same variant with top-level values changed, as ``--set`` does."""
        return replace(
            self,
            values={**self.values, **settings},
            settings={**self.settings, **settings},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A model that is not a YAML: made by timm, torchvision, or the user's own function.

    ``origin`` is "timm", "torchvision" or "python"; ``target`` is what stood behind the colon for the first
    two, and ``module_or_file:factory`` for the last.
    """

    name: str
    reference: str
    origin: str
    target: str
    settings: Mapping[str, Any] = field(default_factory=dict)


Spec = VariantSpec | ModelSpec
