"""What a profile says of its model and of where it was counted, besides what was counted. Free of torch."""

from __future__ import annotations

import platform
import sys
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Any

from archprof.records.profile import Environment, Variant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.sources.spec import Spec

PACKAGES = ("torch", "torchvision", "ultralytics", "ultralytics-thop", "timm", "fvcore")
"""Distributions whose versions may change a figure."""


def variant_of(
    spec: Spec, *, task: str | None, strides: Sequence[int], fused: bool = False, static: bool = False
) -> Variant:
    """What was profiled.

    Args:
        spec: What it was built from.
        task: What it is for.
        strides: The strides of its head's inputs.
        fused: Whether it was fused as for deployment.
        static: Whether it is a static equivalent.
    """
    classes = spec.values.get("nc")
    return Variant(
        name=spec.name,
        reference=spec.reference,
        origin=spec.origin,
        family=spec.family,
        task=task,
        scale=spec.scale,
        path=str(spec.path) if spec.path else None,
        nc=classes if isinstance(classes, int) else None,
        settings=dict(spec.changes),
        top_level=spec.top_level,
        fused=fused,
        static=static,
        strides=list(strides),
    )


def environment_of(device: str, remarks: list[str]) -> Environment:
    """Where figures are made.

    Args:
        device: The device.
        remarks: What a reader should know of how.
    """
    return Environment(
        device=device,
        python=".".join(str(part) for part in sys.version_info[:3]),
        platform=platform.platform(),
        packages=dict(versions()),
        remarks=remarks,
    )


@cache
def versions() -> dict[str, str]:
    """The versions of what may change a figure and is installed."""
    installed = {}
    for name in PACKAGES:
        try:
            installed[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return installed


def plain(value: Any) -> Any:
    """A constructor's argument as JSON has it; a class or module by its name."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        sequence: Sequence[Any] = value
        return [plain(item) for item in sequence]
    return getattr(value, "__name__", None) or str(value)
