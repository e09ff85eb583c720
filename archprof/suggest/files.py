"""A placement as files: the variant's YAML with its key, and a Python file that needs torch alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import yaml

from archprof.sources import scale_in_name, yaml_file
from archprof.sources.settings import DYNAMIC_CONVOLUTIONS
from archprof.sources.spec import VariantSpec
from archprof.suggest.row_text import with_first_arguments

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archprof.sources.spec import Spec

EXPLANATION = "The number of experts of each convolution that is dynamic, by the path of its module."

SUFFIX = "-suggested"
"""What a written file's name ends with."""


def yaml_of(spec: Spec, placement: Mapping[str, int], *, changed: bool = False) -> str | None:
    """A variant's file with a placement added to its own; None for a model that is no YAML of one file.

    Args:
        spec: The model.
        placement: The number of experts by path.
        changed: Whether its factors or rows are others than its file has, so that the file is written anew.
    """
    if not isinstance(spec, VariantSpec) or spec.origin != VariantSpec.origin:
        return None
    experts = {**(spec.values.get(DYNAMIC_CONVOLUTIONS) or {}), **placement}
    text = text_of(spec) if changed else "\n".join(lines_without(spec, DYNAMIC_CONVOLUTIONS))
    if text is None or not experts:
        return text if changed else spec.text
    key = yaml.safe_dump({DYNAMIC_CONVOLUTIONS: experts}, sort_keys=False, width=1000)
    return f"{text.rstrip()}\n\n# {EXPLANATION}\n{key}"


def text_of(spec: VariantSpec) -> str | None:
    """A variant's rows and factors as a file, with no scale but its own; None where its form does not allow it."""
    factors = spec.factors
    if spec.scale is None:
        head = [f"depth_multiple: {factors.depth}", f"width_multiple: {factors.width}"]
    else:
        most = ".inf" if factors.max_channels == math.inf else factors.max_channels
        head = [f"scales: {{{spec.scale}: [{factors.depth}, {factors.width}, {most}]}}"]
    lines = lines_without(spec, "scales", "depth_multiple", "width_multiple", DYNAMIC_CONVOLUTIONS)
    return with_first_arguments("\n".join([*head, *lines]) + "\n", spec)


def spec_of_text(spec: Spec, text: str) -> Spec:
    """What a file says, at the scale and with the settings of a spec.

    Raises:
        ArchprofError: Where it cannot be read.
    """
    read = yaml_file.load(
        spec.path or "",
        scale=spec.scale,
        name=spec.name,
        family=spec.family,
        reference=spec.reference,
        data=text.encode(),
        strict=False,
    )
    settings = {key: value for key, value in spec.settings.items() if key != DYNAMIC_CONVOLUTIONS}
    return read.with_values(settings)


def stem_of(spec: Spec) -> str:
    """What files of a placement are called: with the scale where Ultralytics reads it from the name."""
    with_scale = f"{spec.name}{spec.scale or ''}{SUFFIX}"
    return with_scale if scale_in_name.scale_of(with_scale) == spec.scale else f"{spec.name}{SUFFIX}"


def lines_without(spec: Spec, *keys: str) -> list[str]:
    """The lines of a variant's file without those of some top-level keys."""
    lines, dropped = (spec.text or "").splitlines(), set[int]()
    value_lines: dict[str, int] = getattr(spec, "value_lines", {})
    starts = [line for key, line in value_lines.items() if "." not in key]
    for key in keys:
        if first := value_lines.get(key):
            following = [line for line in starts if line > first]
            dropped |= set(range(first - 1, min(following, default=len(lines) + 1) - 1))
    return [line for number, line in enumerate(lines) if number not in dropped]
