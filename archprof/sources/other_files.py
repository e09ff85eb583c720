"""Files of other projects in which a model is configured, and what to name instead: configs in Python, INI and JSON."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from archprof.errors import UnknownReferenceError
from archprof.sources.files import is_file
from archprof.sources.other_yaml import PYTHON

if TYPE_CHECKING:
    from pathlib import Path

READ = 1 << 16
"""How many bytes of a file are looked at."""


class Kind(NamedTuple):
    """A kind of file that is no model.

    Attributes:
        suffix: Its extension.
        sign: What stands in it.
        name: What to call it.
        hint: What to do.
    """

    suffix: str
    sign: re.Pattern[str]
    name: str
    hint: str = PYTHON


def _sign(text: str) -> re.Pattern[str]:
    return re.compile(text, re.MULTILINE)


KINDS = (
    Kind(
        ".py",
        _sign(r"^from yolox\b|^class Exp\("),
        "an experiment of YOLOX",
        "write a function that returns Exp().get_model(), and name that: FILE.py:FACTORY",
    ),
    Kind(".py", _sign(r"^from damo\b|^class Config\(MyConfig\)"), "a DAMO-YOLO config"),
    Kind(".py", _sign(r"^model *= *dict\(\s*type *= *['\"]YOLOv6"), "a YOLOv6 config"),
    Kind(".py", _sign(r"^_base_ *=|^model *= *dict\("), "an MMDetection config"),
    Kind(".py", _sign(r"^from detectron2\.config import .*Lazy|^model *= *L\("), "a Detectron2 config"),
    Kind(
        ".cfg",
        _sign(r"^\[(net|convolutional|yolo)\]"),
        "a Darknet config",
        f"{PYTHON}; or convert it to ONNX, and name that file",
    ),
    Kind(".json", _sign(r'"(architectures|model_type)" *:'), "the config of a transformers model"),
)
"""The kinds, each before a more general one."""


def explain(path: Path) -> UnknownReferenceError | None:
    """The error of a file that configures a model of another project's; None of any other file."""
    kinds = [kind for kind in KINDS if kind.suffix == path.suffix]
    if not kinds or not is_file(path):
        return None
    try:
        with path.open("rb") as file:
            text = file.read(READ).decode("utf-8", errors="replace")
    except OSError:
        return None
    kind = next((kind for kind in kinds if kind.sign.search(text)), None)
    return UnknownReferenceError(f"{str(path)!r} is {kind.name}, not a model", hint=kind.hint) if kind else None
