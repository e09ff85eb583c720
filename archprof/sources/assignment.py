"""``imgsz=640`` and ``model=x.yaml``, as Ultralytics' command line takes them -> the words that mean it here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from archprof.sources.files import SUFFIXES, is_file
from archprof.sources.settings import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MODEL = "MODEL"
"""What stands for a model that is not named."""

MODELS = ("model", "weights", "cfg")
"""Keys that name a model, in Ultralytics' command line and in YOLOv5's."""

RENAMED = {"ch": "channels", "img": "imgsz", "img_size": "imgsz", "batch_size": "batch"}
"""Keys that an option here has under another name."""

_ELSEWHERE = {
    **RENAMED,
    **dict.fromkeys(("size", "img_sz", "image_size", "input_size", "input_shape", "resolution", "shape"), "imgsz"),
    **dict.fromkeys(("bs", "b"), "batch"),
    **dict.fromkeys(("num_classes", "classes", "n_classes"), "nc"),
    **dict.fromkeys(("half", "fp16", "float16"), "dtype float16"),
    **dict.fromkeys(("bf16", "bfloat16"), "dtype bfloat16"),
    **dict.fromkeys(("in_channels", "input_channels", "in_chans"), "channels"),
    **dict.fromkeys(("cuda", "gpu", "gpus"), "device cuda"),
    "training": "backward",
}
"""Options of other tools, and what each is here."""

OPTIONS: Mapping[str, bool] = {
    **dict.fromkeys(("imgsz", "batch", "device", "nc", "scale", "channels", "dtype"), True),
    **dict.fromkeys(("fuse", "static", "backward"), False),
}
"""Options that most commands have: whether each takes a value."""

_ASSIGNMENT = re.compile(r"(?P<key>[A-Za-z_]\w*)=(?P<value>.*)", re.DOTALL)
_ON, _OFF = ("true", "1", "yes", ""), ("false", "0", "no", "none", "null")


def option_meant(name: str, options: Iterable[str]) -> str | None:
    """What to type instead of an option that other tools have; None where there is none.

    Args:
        name: The option, as ``--img-size``.
        options: The names of the command's own options.
    """
    key = name.lstrip("-").replace("-", "_").lower()
    if key in MODELS:
        return f"name the model by itself, without {name}"
    meant = f"--{_ELSEWHERE[key]}" if key in _ELSEWHERE else ""
    return f"type {meant}" if meant.partition(" ")[0] in {*options} else None


class Translation(NamedTuple):
    """A command line without assignments.

    Attributes:
        words: What to type behind the command.
        dropped: The assignments that mean nothing here.
    """

    words: list[str]
    dropped: list[str]


def split(text: str) -> tuple[str, str] | None:
    """``key=value`` -> the key and the value; None where it is none, or the name of a file."""
    match = _ASSIGNMENT.fullmatch(text)
    if match is None or any(is_file(Path(text + suffix)) for suffix in ("", *SUFFIXES)):
        return None
    return match["key"], match["value"]


def names_model(text: str) -> bool:
    """Whether a text is ``model=x.yaml``, or the same by another tool's key."""
    return text.partition("=")[0] in MODELS and "=" in text


def translate(words: Sequence[str], options: Mapping[str, bool] = OPTIONS) -> Translation:
    """The words of a command line with every assignment replaced by what it means.

    Args:
        words: What was typed behind the command; values of options are no assignments, and are not to be here.
        options: The command's options by name, and whether each takes a value.
    """
    result, dropped = list[str](), list[str]()
    for word in words:
        pair = split(word)
        meant = [word] if pair is None else _meaning(*pair, options)
        if meant is None:
            dropped.append(word)
        else:
            result += meant
    return Translation(result, dropped)


def _meaning(key: str, value: str, options: Mapping[str, bool]) -> list[str] | None:
    """The words that mean an assignment; None where there are none."""
    name = RENAMED.get(key, key).replace("_", "-")
    if key in MODELS:
        return [value or MODEL]
    if key == "half":
        return ["--dtype", "float16"] if value.lower() in _ON else []
    if name == "imgsz":
        value = "x".join(re.findall(r"\d+", value)) or value
    if name == "device" and value.lower() in _OFF[3:]:
        return []
    if name in options:
        if options[name]:
            return [f"--{name}", value]
        return [] if value.lower() in _OFF else [f"--{name}"]
    return ["--set", f"{key}={value}"] if key in KINDS else None
