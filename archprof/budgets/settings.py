"""How an entry's variants are built and run: the keys of the budget file that are no metrics."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from archprof.builder.input_spec import parse_inputs
from archprof.builder.options import DTYPES, Options, dtype_name, sides_of
from archprof.errors import UsageError
from archprof.sources import settings as values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

ALL = "all"
"""What ``scales`` calls every scale of the file."""


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _is_scales(value: Any) -> bool:
    return bool(_listed(value)) and all(isinstance(scale, str) and scale for scale in _listed(value))


def _is_sizes(value: Any) -> bool:
    sizes = _listed(value)
    return bool(sizes) and all(type(size) in (int, str) and bool(sides_of(str(size))) for size in sizes)


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_dtype(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(dtype_name(value))
    except UsageError:
        return False


def _is_inputs(value: Any) -> bool:
    texts = _listed(value)
    return bool(texts) and all(isinstance(text, str) and _is_input(text) for text in texts)


def _is_input(text: str) -> bool:
    """Whether it is the shape of an input; files belong to somebody's computer, and a comma parts inputs in a lock."""
    try:
        return "," not in text and not any(spec.source for spec in parse_inputs(text))
    except UsageError:
        return False


class Setting(msgspec.Struct, frozen=True):
    """One key: the test of its value, the kind in words, and in JSON Schema."""

    test: Callable[[Any], bool]
    kind: str
    schema: Mapping[str, Any]


def _one_or_list(*kinds: Mapping[str, Any]) -> dict[str, Any]:
    return {"anyOf": [*kinds, {"type": "array", "minItems": 1, "items": {"anyOf": list(kinds)}}]}


_TEXT: Mapping[str, Any] = {"type": "string", "minLength": 1}
_COUNT: Mapping[str, Any] = {"type": "integer", "minimum": 1}
_BOOLEAN: Mapping[str, Any] = {"type": "boolean"}
_SIZE: Mapping[str, Any] = {"type": "string", "pattern": "^[0-9]{1,9}([x×,][0-9]{1,9})?$"}
_BOOL = Setting(_is_bool, "true or false", _BOOLEAN)

SETTINGS: Mapping[str, Setting] = {
    "scales": Setting(_is_scales, 'scales of the YAML, as ["n", "s"], or "all"', _one_or_list(_TEXT)),
    "imgsz": Setting(_is_sizes, 'sizes, as 640 or ["384x640", 320]', _one_or_list(_COUNT, _SIZE)),
    "input": Setting(_is_inputs, 'inputs, as ["ids=1x128:int64:0..30000"]', _one_or_list(_TEXT)),
    "batch": Setting(*values.COUNT, _COUNT),
    "channels": Setting(*values.COUNT, _COUNT),
    "nc": Setting(*values.COUNT, _COUNT),
    "set": Setting(lambda value: isinstance(value, dict), "a table, as {kpt_shape = [21, 3]}", {"type": "object"}),
    "fuse": _BOOL,
    "backward": _BOOL,
    "static": _BOOL,
    "dtype": Setting(_is_dtype, f"one of {', '.join(DTYPES)}", _TEXT),
}
"""Every key, each as the option of the same name is."""


def options_of(settings: Mapping[str, Any]) -> Options:
    """How a case with these settings is built and run."""
    values = {
        key: settings[key] for key in ("batch", "channels", "fuse", "backward", "static", "dtype") if key in settings
    }
    size = sides_of(str(settings["imgsz"])) if "imgsz" in settings else None
    inputs = tuple(spec for text in _listed(settings.get("input", [])) for spec in parse_inputs(text))
    return Options(size=size, inputs=inputs, **values)


def spread(settings: Mapping[str, Any], scales: Iterable[str]) -> list[dict[str, Any]]:
    """The settings with each of their sizes, at each of their scales.

    Args:
        settings: An entry's.
        scales: The scales of the variant, for "all".
    """
    rest = {key: value for key, value in settings.items() if key not in ("scales", "imgsz")}
    scales_wanted = _listed(settings["scales"]) if "scales" in settings else []
    scale_names = list(scales) if scales_wanted == [ALL] else scales_wanted
    return [
        {**rest, **scale, **size}
        for scale in ([{"scale": value} for value in scale_names] or [{}])
        for size in ([{"imgsz": _tidy(value)} for value in _listed(settings["imgsz"])] if "imgsz" in settings else [{}])
    ]


def agrees(settings: Mapping[str, Any], case: Mapping[str, Any]) -> bool:
    """Whether an entry with these settings is about a case with those: each that the entry has is the case's."""
    for key, value in settings.items():
        if key == "scales":
            if _listed(value) != [ALL] and case.get("scale") not in _listed(value):
                return False
        elif key == "imgsz":
            if case.get(key) not in [_tidy(size) for size in _listed(value)]:
                return False
        elif case.get(key) != value:
            return False
    return True


DEFAULT = "default"
"""What settings are called that say nothing."""


def format_settings(settings: Mapping[str, Any]) -> str:
    """The settings of a case in a line, the same for the same ones: ``imgsz=640 scale=n``."""
    return " ".join(f"{key}={plain(settings[key])}" for key in sorted(settings)) or DEFAULT


def parse_settings(line: str) -> dict[str, str]:
    """What :func:`format_settings` made, each key with what was said of it."""
    pairs = (pair.partition("=") for pair in _NEXT.split(line))
    return {key: text for key, equals, text in pairs if equals}


def plain(value: Any) -> str:
    """A setting in a few signs, the same ones every time."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{plain(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(plain, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def values_of(texts: Mapping[str, str]) -> dict[str, Any]:
    """The settings that :func:`parse_settings` found, as values again.

    Raises:
        UsageError: Where one is none that :func:`format_settings` would have written.
    """
    return {key: _value(key, text) for key, text in texts.items()}


def _value(key: str, text: str) -> Any:
    from archprof.sources.document import Document

    if key in _TEXTS:
        return text
    if key == "input":
        return text.removeprefix("[").removesuffix("]").split(",")
    # As YAML has it: a space behind each key.
    document = Document(_KEY.sub(r"\1: ", text))
    value = document.plain(document.root)
    if not SETTINGS[key].test(value):
        raise UsageError(f"{key}={text}: {key} must be {SETTINGS[key].kind}")
    return value


_TEXTS = ("scale", "imgsz", "dtype")
_KEY = re.compile(r"(?<=[{,])(\w+):")
_NEXT = re.compile(rf" (?=(?:scale|{'|'.join(SETTINGS)})=)")


def _tidy(size: int | str) -> str:
    """A size as it is shown: ``640``, ``384x640``."""
    return "x".join(map(str, sides_of(str(size))))
