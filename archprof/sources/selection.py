"""A reference, with what else is asked for -> the specs that it means."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from archprof.errors import UsageError
from archprof.sources import reference as references
from archprof.sources import settings as setting_rules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archprof.sources.spec import Spec

ALL = "all"
"""What ``--scale`` calls every scale of the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which variant of a reference is meant.

    Attributes:
        scale: A scale of the file, or "all".
        nc: The number of classes.
        settings: Top-level values that are changed.
    """

    scale: str | None = None
    nc: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def find(self, reference: str) -> list[Spec]:
        """As :func:`find_specs`."""
        return find_specs(reference, scale=self.scale, nc=self.nc, settings=self.settings)


def find_specs(
    reference: str, *, scale: str | None = None, nc: int | None = None, settings: Mapping[str, Any] | None = None
) -> list[Spec]:
    """What a reference means: one spec, or one for each scale.

    Args:
        reference: What was typed.
        scale: A scale of the file, or "all".
        nc: The number of classes, which goes before that in ``settings``.
        settings: Top-level values that are changed.

    Raises:
        ArchprofError: Where there is no such model, or no such scale, or nothing to set so.
    """
    changes = {**(settings or {}), **({} if nc is None else {"nc": nc})}
    if scale != ALL:
        return [setting_rules.apply(references.resolve(reference, scale=scale), changes)]
    scales = references.scales(reference)
    if not scales:
        raise UsageError(f"{reference} has no scales", hint="leave out --scale")
    return [setting_rules.apply(references.resolve(reference, scale=name), changes) for name in scales]


def twins(models: Sequence[object], *, static: bool) -> list[bool]:
    """Which models are meant as their static equivalents: those that are named again, beside themselves; else all.

    Args:
        models: What was named.
        static: Whether any is.
    """
    is_repeated = [model in models[:index] for index, model in enumerate(models)]
    return [static and (twin or not any(is_repeated)) for twin in is_repeated]
