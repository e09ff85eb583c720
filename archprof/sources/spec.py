"""What a reference says, before anything is built: frozen, and free of torch."""

from __future__ import annotations

import math
from collections.abc import Mapping  # noqa: TC003 - they are looked up to read a sheet back
from pathlib import Path  # noqa: TC003
from typing import Any

import msgspec

from archprof.records.profile import TopLevelKey

STOCK = "ultralytics"
"""The family of a file that belongs to no other."""


class Scale(msgspec.Struct, frozen=True):
    """One entry of ``scales:``: depth and width multipliers, and the channels that width is capped at."""

    depth: float = 1.0
    width: float = 1.0
    max_channels: int | float = float("inf")


class Row(msgspec.Struct, frozen=True):
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


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """What a YAML says, whatever it is called and whichever scale is wanted.

    ``values`` are the top-level keys other than the rows and the scales, and ``value_lines`` where each stands;
    ``scale_lines`` is where each scale does.
    """

    rows: tuple[Row, ...]
    scales: dict[str, Scale]
    values: dict[str, Any]
    value_lines: dict[str, int]
    scale_lines: dict[str, int] = msgspec.field(default_factory=dict)


class VariantSpec(msgspec.Struct, frozen=True, kw_only=True):
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
    text: str = ""
    scales: Mapping[str, Scale] = msgspec.field(default_factory=dict)
    scale: str | None = None
    values: Mapping[str, Any] = msgspec.field(default_factory=dict)
    value_lines: Mapping[str, int] = msgspec.field(default_factory=dict)
    scale_lines: Mapping[str, int] = msgspec.field(default_factory=dict)
    settings: Mapping[str, Any] = msgspec.field(default_factory=dict)
    depth: float = 1.0
    width: float = 1.0
    max_channels: float = float("inf")
    scale_assumed: bool = False

    def top_level(self) -> dict[str, TopLevelKey]:
        """What the variant is built with beside its rows: each top-level value, and the scale, each with its line."""
        keys = {
            key: TopLevelKey(value=_json(value), line=None if key in self.settings else self.value_lines.get(key))
            for key, value in self.values.items()
        }
        if self.scale is not None:
            factors = [self.depth, self.width, self.max_channels]
            keys[f"scales.{self.scale}"] = TopLevelKey(value=_json(factors), line=self.scale_lines.get(self.scale))
        return keys

    def with_values(self, settings: Mapping[str, Any]) -> VariantSpec:
        """The same variant with top-level values changed, as ``--set`` does."""
        return msgspec.structs.replace(
            self,
            values={**self.values, **settings},
            settings={**self.settings, **settings},
        )


class ModelSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A model that is not a YAML: made by timm, torchvision, or the user's own function.

    ``origin`` is "timm", "torchvision" or "python"; ``target`` is what stood behind the colon for the first
    two, and ``module_or_file:factory`` for the last.
    """

    name: str
    reference: str
    origin: str
    target: str
    settings: Mapping[str, Any] = msgspec.field(default_factory=dict)


def _json(value: Any) -> Any:
    """A value of a YAML as JSON can hold it: it has no number that is not finite."""
    if isinstance(value, dict):
        return {key: _json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_json(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


Spec = VariantSpec | ModelSpec
