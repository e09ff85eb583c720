"""What may be varied: each axis changes a spec, or how it is built and run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from archprof.builder.options import Options, dtype_name, sides_of
from archprof.errors import UsageError
from archprof.registry import Registry
from archprof.sources import edits
from archprof.sources import settings as setting_rules

if TYPE_CHECKING:
    from archprof.sources.spec import Spec


class Candidate(NamedTuple):
    """A model that may be counted."""

    spec: Spec
    build: Options


Axis = Callable[[Candidate, Any], Candidate]
"""Gives a candidate a value of the axis. It raises UsageError where the model takes no such value."""

SCALE = "scale"
"""The axis that chooses a scale of the file; it goes before all others, because it says which spec they change."""


def _size(candidate: Candidate, value: Any) -> Candidate:
    sides = sides_of(str(value))
    if not sides:
        raise UsageError(f"invalid imgsz {value!r}", hint="a side, as 640, or HEIGHTxWIDTH, as 384x640")
    return candidate._replace(build=replace(candidate.build, size=sides))


def _count(name: str) -> Axis:
    """An option that is a whole number."""

    def apply(candidate: Candidate, value: Any) -> Candidate:
        if not setting_rules.is_count(value):
            raise UsageError(f"{name} must be a whole number from 1 up, not {value!r}")
        return candidate._replace(build=replace(candidate.build, **{name: value}))

    return apply


def _dtype(candidate: Candidate, value: Any) -> Candidate:
    return candidate._replace(build=replace(candidate.build, dtype=dtype_name(str(value))))


def _edit(name: str) -> Axis:
    """A part of a row, or a factor of a scale."""
    return lambda candidate, value: candidate._replace(spec=candidate.spec.edited(name, value))


def _factor(name: str) -> Axis:
    """A factor of a YAML's scale; of a model without rows, the argument of its constructor that is called the same."""
    edit, setting = _edit(name), _setting(name)
    return lambda candidate, value: (edit if candidate.spec.rows else setting)(candidate, value)


def _setting(name: str) -> Axis:
    """A top-level value of a YAML, or an argument of another model's constructor."""
    return lambda candidate, value: candidate._replace(spec=setting_rules.apply(candidate.spec, {name: value}))


AXES: Registry[Axis] = Registry("axis")
"""The axes that have a name of their own; any other name is a part of a row, or a top-level value."""

with AXES.own():
    AXES.register("imgsz", _size)
    AXES.register("batch", _count("batch"))
    AXES.register("channels", _count("channels"))
    AXES.register("dtype", _dtype)
    for factor in edits.FACTORS:
        AXES.register(factor, _factor(factor))


def find_axis(name: str) -> Axis:
    """The axis of a name."""
    if name in AXES:
        return AXES[name]
    return _edit(name) if edits.is_row(name) else _setting(name)
