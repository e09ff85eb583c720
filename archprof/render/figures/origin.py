"""What a reader of a figure must know to quote it, and what to type to have it again."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from archprof.render import facts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archprof.records.profile import Environment, Input, Profile, Tool, Variant


CHANNELS = 3
"""The channels of an image unless somebody asks for others."""


def about(profile: Profile, unit: str) -> list[str]:
    """What a figure of a profile says below itself.

    Args:
        profile: The profile.
        unit: What its numbers are, with their convention.
    """
    training = ["training"] if profile.backward else []
    return [*of_variant(profile.variant, profile.input, unit), *training, *versions(profile.tool, profile.environment)]


def of_variant(variant: Variant, input_: Input, unit: str) -> list[str]:
    """The same without the versions."""
    return [variant.name, *facts.about_scaled(variant, input_), unit]


def versions(tool: Tool, environment: Environment) -> list[str]:
    """The versions that figures depend on."""
    return versions_of(tool, [environment.packages])


def versions_of(tool: Tool, packages: Sequence[Mapping[str, str]]) -> list[str]:
    """The same of several models, each version once."""
    torch = dict.fromkeys(installed["torch"] for installed in packages if "torch" in installed)
    return [f"archprof {tool.version}", *(f"torch {version}" for version in torch)]


def command(kind: str, variant: Variant, input_: Input, *options: str, training: bool = False) -> str:
    """What makes a figure of a model again."""
    arguments = ["archprof", "plot", kind, variant.reference, *settings(variant, input_)]
    backward = ["--backward"] if training else []
    return shlex.join([*arguments, *backward, *options, "-o", f"{kind}.svg"])


def settings(variant: Variant, input_: Input) -> list[str]:
    """The options by which a model is what it is."""
    return [piece for option in _options(variant, input_) for piece in option]


def shared_settings(models: Sequence[tuple[Variant, Input]]) -> list[str]:
    """The options that are the same of each of several models."""
    options = [_options(*model) for model in models]
    return [piece for option in options[0] if all(option in others for others in options) for piece in option]


def _options(variant: Variant, input_: Input) -> list[tuple[str, ...]]:
    """Each option, with its value where it takes one."""
    changed = {key: value for key, value in variant.settings.items() if key != "nc"}
    image = input_.shapes[0][1:] if input_.kind == "image" and input_.shapes and not input_.names else []
    sides = image[1:]
    square = str(sides[0]) if len(set(sides)) == 1 else "x".join(map(str, sides))
    return [
        *([("--scale", variant.scale)] if variant.scale else []),
        *([("--nc", str(variant.settings["nc"]))] if "nc" in variant.settings else []),
        *(("--set", f"{key}={value}") for key, value in changed.items()),
        *([("--imgsz", square)] if sides else []),
        *([("--channels", str(image[0]))] if image and image[0] != CHANNELS else []),
        *([("--batch", str(input_.batch))] if input_.batch != 1 and not input_.names else []),
        *(("--input", text) for text in _inputs(input_)),
        *([("--dtype", input_.dtype)] if input_.dtype not in ("float32", "int64") and not input_.names else []),
        *([("--fuse",)] if variant.fused else []),
        *([("--static",)] if variant.static else []),
    ]


def _inputs(input_: Input) -> list[str]:
    """What was asked for input by input."""
    parts = zip(input_.names, input_.shapes, input_.dtypes, input_.values, strict=True) if input_.names else []
    return [_input(*part) for part in parts]


def _input(name: str, shape: Sequence[int], dtype: str, values: str) -> str:
    before = f"{name}=" if name else ""
    if values and ".." not in values:
        return f"{before}{values}"
    return ":".join(filter(None, (f"{before}{'x'.join(map(str, shape))}", dtype, values)))
