"""How an entry's variants are built and run: the keys of the budget file that are no metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archprof.options import Options, sides_of
from archprof.variant import settings as values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

ALL = "all"
"""What ``scales`` calls every scale of the file."""


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _is_scales(value: Any) -> bool:
    return bool(_listed(value)) and all(isinstance(one, str) and one for one in _listed(value))


def _is_sizes(value: Any) -> bool:
    found = _listed(value)
    return bool(found) and all(type(one) in (int, str) and bool(sides_of(str(one))) for one in found)


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


@dataclass(frozen=True, slots=True)
class Setting:
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
    "batch": Setting(*values.COUNT, _COUNT),
    "channels": Setting(*values.COUNT, _COUNT),
    "nc": Setting(*values.COUNT, _COUNT),
    "set": Setting(lambda value: isinstance(value, dict), "a table, as {kpt_shape = [21, 3]}", {"type": "object"}),
    "fuse": _BOOL,
    "backward": _BOOL,
    "static": _BOOL,
    "dtype": Setting(*values.TEXT, _TEXT),
}
"""Every key, each as the option of the same name is."""


def options_of(settings: Mapping[str, Any]) -> Options:
    """How a case with these settings is built and run."""
    given = {
        key: settings[key] for key in ("batch", "channels", "fuse", "backward", "static", "dtype") if key in settings
    }
    size = sides_of(str(settings["imgsz"])) if "imgsz" in settings else None
    return Options(size=size, **given)


def spread(settings: Mapping[str, Any], scales: Iterable[str]) -> list[dict[str, Any]]:
    """The settings with each of their sizes, at each of their scales.

    Args:
        settings: An entry's.
        scales: The scales of the variant, for "all".
    """
    rest = {key: value for key, value in settings.items() if key not in ("scales", "imgsz")}
    wanted = _listed(settings["scales"]) if "scales" in settings else []
    named = list(scales) if wanted == [ALL] else wanted
    return [
        {**rest, **scale, **size}
        for scale in ([{"scale": one} for one in named] or [{}])
        for size in ([{"imgsz": _tidy(one)} for one in _listed(settings["imgsz"])] if "imgsz" in settings else [{}])
    ]


def agrees(settings: Mapping[str, Any], case: Mapping[str, Any]) -> bool:
    """Whether an entry with these settings is about a case with those: each that the entry has is the case's."""
    for key, value in settings.items():
        if key == "scales":
            if _listed(value) != [ALL] and case.get("scale") not in _listed(value):
                return False
        elif key == "imgsz":
            if case.get(key) not in [_tidy(one) for one in _listed(value)]:
                return False
        elif case.get(key) != value:
            return False
    return True


def _tidy(size: int | str) -> str:
    """A size as it is shown: ``640``, ``384x640``."""
    return "x".join(map(str, sides_of(str(size))))
