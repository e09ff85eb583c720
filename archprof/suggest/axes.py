"""What ``--vary`` varies: ``width=0.125,0.25,depth=0.33,imgsz=320:640:64,scale`` -> variants of a model.

``channels=0.5:1:0.25`` is an axis of another kind: each row gets one of these factors for itself.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

from archprof.errors import UsageError, did_you_mean
from archprof.quantity import number_range, plain_number
from archprof.sources.spec import VariantSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archprof.builder.options import Options
    from archprof.sources.spec import Spec

CHANNELS = "channels"

AXES = ("width", "depth", CHANNELS, "imgsz", "scale")

MOST_VALUES = 1000
"""How many values one axis may have."""

Axes = dict[str, list[Any]]


def parse_axes(text: str, spec: Spec) -> Axes:
    """The values of each axis.

    Args:
        text: Axes with their values, separated by commas; ``FIRST:LAST:STEP`` is a range, ``scale`` all scales.
        spec: The model.

    Raises:
        UsageError: Where an axis is unknown, or a value is none of it.
    """
    if not isinstance(spec, VariantSpec):
        raise UsageError(
            f"--vary changes a YAML's factors and rows; {spec.reference} has none", hint="name a YAML variant"
        )
    axes: Axes = {}
    axis = ""
    for piece in (piece.strip() for piece in text.split(",")):
        name, separator, value = piece.partition("=")
        if separator or piece == "scale":
            axis = name
            if axis not in AXES:
                hint = did_you_mean(axis, AXES) or f"it varies {', '.join(AXES)}"
                raise UsageError(f"--vary {axis!r}: unknown", hint=hint)
            if axis in axes:
                raise UsageError(f"--vary names {axis} twice")
            axes[axis] = list(spec.scales) if axis == "scale" and not separator else []
            if axis == "scale" and not separator:
                continue
        else:
            value = piece
        if not axis or not value:
            raise UsageError(f"--vary {text!r}: expected AXIS=VALUE,VALUE", hint="as width=0.125,0.25,imgsz=320,640")
        axes[axis] += _values(axis, value, spec)
    if "scale" in axes and (not spec.scales or {"width", "depth"} & axes.keys()):
        reason = "the file has no scales" if not spec.scales else "a scale has its own width and depth"
        raise UsageError(f"--vary scale: {reason}")
    return {name: list(dict.fromkeys(values)) for name, values in axes.items()}


def _values(axis: str, text: str, spec: VariantSpec) -> list[Any]:
    if axis == "scale":
        if text not in spec.scales:
            raise UsageError(f"--vary scale={text}: unknown", hint=f"available scales: {', '.join(spec.scales)}")
        return [text]
    try:
        numbers = number_range(text, f"--vary {axis}", MOST_VALUES) if ":" in text else [plain_number(text)]
    except ValueError as error:
        raise UsageError(f"--vary {axis}: {error}", hint="a number, or a range FIRST:LAST:STEP") from None
    if any(number <= 0 or (axis == "imgsz" and number.denominator > 1) for number in numbers):
        raise UsageError(f"--vary {axis}={text}: {axis} takes {'whole ' if axis == 'imgsz' else ''}numbers above 0")
    if axis == CHANNELS:
        return numbers
    return [int(number) if axis == "imgsz" else float(number) for number in numbers]


def size_of(axes: Axes) -> int:
    """How many variants there are."""
    return math.prod(len(values) for values in axes.values())


def variants(axes: Axes) -> Iterator[dict[str, Any]]:
    """The changes of each variant."""
    for values in product(*axes.values()):
        yield dict(zip(axes, values, strict=True))


def varied(spec: Spec, options: Options, changes: Mapping[str, Any]) -> tuple[Spec, Options]:
    """A model with some changes, and how it is then built and run."""
    assert isinstance(spec, VariantSpec)  # as parse_axes saw to
    if "imgsz" in changes:
        options = replace(options, size=(changes["imgsz"],))
    if "scale" in changes:
        return replace(spec, scale=changes["scale"], size=changes["scale"]), options
    for factor in ("depth", "width"):
        if factor in changes:
            spec = spec.edited(factor, changes[factor])
    return spec, options
