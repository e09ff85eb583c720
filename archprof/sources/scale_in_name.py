"""The scale in the name of a YAML: ``yolo11s-seg`` asks for scale s of ``yolo11-seg``.

Names are read as Ultralytics reads them (``guess_model_scale`` and ``yaml_model_load`` in ``ultralytics/nn/tasks.py``,
8.4), whatever file it is, so that both build the same network of it: the letter behind the number that follows
``yolo``.
"""

from __future__ import annotations

import re

_SCALE = re.compile(r"yolo(?:e-)?v?\d+([nslmx])")
_FIRST_SCALE = re.compile(r"(\d+)[nslmx]")
_OTHER_LETTER = re.compile(r"(yolo(?:e-)?v?\d+)([A-Za-z])(?=$|[^A-Za-z0-9])")
_P6 = re.compile(r"(yolov[58])([nsmlx])6")
_ULTRALYTICS_YOLOV5 = re.compile(r"(.*yolov[35].*)u")


def scale_of(name: str) -> str | None:
    """The scale that a file's name asks for, extension left out; None where it asks for none."""
    match = _SCALE.search(name)
    return match[1] if match else None


def renamed(name: str) -> str | None:
    """The name that Ultralytics reads another name as, even where there is a file of the other.

    ``yolov8x6``, an older name of its P6 models, is ``yolov8x-p6``; and ``yolov5nu``, as it calls the weights of its
    own YOLOv5, is ``yolov5n``.
    """
    if match := _P6.fullmatch(name):
        return f"{match[1]}{match[2]}-p6"
    match = _ULTRALYTICS_YOLOV5.fullmatch(name)
    return match[1] if match else None


def without_scale(name: str) -> list[str]:
    """The name of the file that may be meant where there is none of this name, without the scale that it has."""
    other = renamed(name) or name
    if scale_of(name) is not None:
        other = _FIRST_SCALE.sub(r"\1", other, count=1)
    return [other] if other != name else []


def misplaced(name: str) -> tuple[str, str, str] | None:
    """A letter of a scale behind another number than the first, as in ``yolov8-p2s``: it, and the name around it.

    Ultralytics finds the file ``yolov8-p2``, and builds it at its first scale.
    """
    match = _FIRST_SCALE.search(name) if scale_of(name) is None else None
    return (match[0][-1], name[: match.end() - 1], name[match.end() :]) if match else None


def other_letter(name: str) -> tuple[str, str, str] | None:
    """A letter that stands where a scale would and is none, as in ``yolov13q-pose``, and the name around it."""
    match = _OTHER_LETTER.match(name)
    return (match[2], match[1], name[match.end() :]) if match and scale_of(name) is None else None
