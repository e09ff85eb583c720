"""The file of a variant as its profile has it: top-level keys and rows, each with its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof import units
from archprof.render.report import Line

if TYPE_CHECKING:
    from archprof.records.profile import Layer, Profile


def source_lines(profile: Profile) -> list[Line]:
    """What stands in the file, in the order of its lines; nothing for a model that is no YAML."""
    if not profile.layers:
        return []
    keys = [
        Line(number=key.line, text=f"{name}: {units.literal(key.value) if isinstance(key.value, list) else key.value}")
        for name, key in profile.variant.top_level.items()
        if key.line is not None
    ]
    rows = [Line(number=layer.line, text=f"- {_row(layer)}", row=layer.index) for layer in profile.layers]
    return sorted([*keys, *rows], key=lambda line: line.number or 0)


def _row(layer: Layer) -> str:
    written = layer.yaml_row or [layer.from_ if len(layer.from_) > 1 else layer.from_[0] if layer.from_ else -1,
                                 layer.repeats, layer.module, layer.arguments]  # fmt: skip
    return units.literal(list(written))
