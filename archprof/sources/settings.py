"""``--nc`` and ``--set key=value``: what may be set, and to what."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from archprof.errors import UsageError, VariantError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from archprof.sources.spec import Spec, VariantSpec


def is_count(value: Any) -> bool:
    """Whether it is a whole number from 1 up (true and false are not numbers here)."""
    return type(value) is int and value >= 1


def is_repeats(value: Any) -> bool:
    """Whether Ultralytics takes it for how often a row is repeated: also none, a float, or true for 1."""
    return isinstance(value, (int, float)) and math.isfinite(value) and (value == int(value) or value > 1)


def is_factor(value: Any) -> bool:
    """Whether it is a finite number above 0."""
    return type(value) in (int, float) and math.isfinite(value) and value > 0


def is_number(value: Any) -> bool:
    """Whether it is a finite number."""
    return type(value) in (int, float) and math.isfinite(value)


def is_multiple(value: Any) -> bool:
    """Whether Ultralytics multiplies by it: a finite number, or true for 1 and false for 0."""
    return isinstance(value, (int, float)) and math.isfinite(value)


def is_multiple_above_0(value: Any) -> bool:
    """The same without what would leave no channels."""
    return is_multiple(value) and value > 0


def _is_kpt_shape(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(is_count, value))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


MOST_EXPERTS = 1024
"""How many kernels one convolution may be mixed of."""

DYNAMIC_CONVOLUTIONS = "dynamic_convolutions"
"""The key that names convolutions by path, and how many experts each has."""


def _is_placement(value: Any) -> bool:
    return isinstance(value, dict) and all(is_count(number) and number <= MOST_EXPERTS for number in value.values())


COUNT = (is_count, "a whole number from 1 up")
DEPTH = (is_multiple, "a number")
WIDTH = (is_multiple_above_0, "a number above 0")
MAX_CHANNELS = (lambda value: is_multiple_above_0(value) or value == math.inf, "a number above 0")
TEXT = (_is_text, "text")

KINDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "nc": COUNT,
    "reg_max": COUNT,
    "sequence": COUNT,
    "depth_multiple": DEPTH,
    "width_multiple": WIDTH,
    "kpt_shape": (_is_kpt_shape, "two whole numbers, as [17, 3]"),
    "end2end": (lambda value: value in (True, False, None), "true or false"),
    "activation": (lambda value: not value or _is_text(value), "text, or nothing"),
    "family": TEXT,
    DYNAMIC_CONVOLUTIONS: (
        _is_placement,
        f"paths of convolutions with numbers of experts from 1 to {MOST_EXPERTS}, as {{model.2.cv1.conv: 4}}",
    ),
}
"""Top-level keys whose value is known to be of a kind: the test, and the kind in words."""

OPTIONAL = ("activation", "reg_max", "end2end", "depth_multiple", "width_multiple", "sequence", DYNAMIC_CONVOLUTIONS)
"""Keys that are read whether the file has them or not."""

FIXED: Mapping[str, str] = {
    "backbone": "rows are changed in the file",
    "head": "rows are changed in the file",
    "scales": "--scale chooses one",
    "scale": "--scale chooses one",
    "channels": "--channels sets them",
    "imgsz": "--imgsz sets it",
    "family": "it says what the rows' blocks mean; change it in the file",
}
"""Keys that ``--set`` does not change, and what does."""


def without_quotes(value: Any) -> str | None:
    """What to write for a text that is meant as a number: YAML reads '0.33' and 1e-3 as texts."""
    try:
        number = float(value) if isinstance(value, str) else math.nan
    except ValueError:
        return None
    return f"write {number:g}: {value!r} is text in YAML" if math.isfinite(number) else None


def complaint(key: str, value: Any) -> str | None:
    """What is wrong with a top-level value, or None."""
    test, kind = KINDS.get(key, (None, ""))
    return None if test is None or test(value) else f"{key} must be {kind}, not {value!r}"


def parse(pairs: Iterable[str]) -> dict[str, Any]:
    """``key=value`` strings -> values by key; each value is a YAML literal, the last of equal keys counts.

    Raises:
        UsageError: Where a string has another form, or its value is not a literal.
    """
    from archprof.sources.document import Document

    values = {}
    for pair in pairs:
        key, separator, text = pair.partition("=")
        if not separator or not key.strip().isidentifier() or not text.strip():
            raise UsageError(f"--set {pair!r}: expected key=value", hint="for example --set kpt_shape=[21,3]")
        try:
            document = Document(text.strip())
            values[key.strip()] = document.plain(document.root)
        except VariantError as error:
            raise UsageError(f"--set {pair!r}: the value is not a YAML literal: {error.message}") from None
    return values


def apply(spec: Spec, changes: Mapping[str, Any]) -> Spec:
    """A spec with values changed.

    A variant's top-level values; any other model's keyword arguments, which its own constructor checks.

    Raises:
        UsageError: Where the variant has no use for the key, or the value is of the wrong kind.
    """
    for key, value in changes.items():
        spec.check_setting(key, value)
    return spec.with_values(changes)


def check(spec: VariantSpec, key: str, value: Any) -> None:
    """See to it that a top-level value of a variant may be set.

    Raises:
        UsageError: Where it has no use for the key, or the value is of the wrong kind.
    """
    if key in FIXED:
        raise UsageError(f"{key} cannot be set: {FIXED[key]}")
    if key in ("depth_multiple", "width_multiple") and spec.scale is not None:
        raise UsageError(
            f"{key} cannot be set: scale {spec.scale} of {spec.path.name} says what it is",
            hint=f"available scales: {', '.join(spec.scales)}",
        )
    named = {argument for row in spec.rows for argument in row.arguments if isinstance(argument, str)}
    if key not in spec.values and key not in OPTIONAL and key not in named:
        known = sorted({*spec.values, *OPTIONAL} - {*FIXED})
        raise UsageError(
            f"unknown key {key!r}: {spec.path.name} has none, and no row names one",
            hint=did_you_mean(key, known) or f"it has {', '.join(known)}",
        )
    if error := complaint(key, value):
        raise UsageError(error)


def as_keywords(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as arguments of a constructor that calls the number of classes ``num_classes``."""
    return {"num_classes" if key == "nc" else key: value for key, value in settings.items()}
