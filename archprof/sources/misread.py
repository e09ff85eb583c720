"""What a reference was probably meant to be, where it is none: what other tools take, and what is no model."""

from __future__ import annotations

import glob
import re
from pathlib import Path
from typing import TYPE_CHECKING

from archprof.errors import ArchprofError, UnknownReferenceError, UsageError, VariantError
from archprof.sources.files import SUFFIXES, names_in

if TYPE_CHECKING:
    from collections.abc import Callable

WEIGHTS = (".pt", ".pth", ".ckpt", ".safetensors", ".bin")
EXPORTED = (".onnx", ".h5", ".pt2", ".torchscript", ".engine", ".xml", ".mlpackage", ".tflite", ".pb")

OPTIONS = {"imgsz": "--imgsz", "batch": "--batch", "device": "--device", "nc": "--nc", "scale": "--scale"}
"""Ultralytics' arguments that are options here."""

SHOWN = 3
"""How many files of a folder a message names."""

_ASSIGNMENT = re.compile(r"(?P<key>[A-Za-z_]\w*)=(?P<value>.*)", re.DOTALL)
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|hf-hub:|ul:")


def explain(text: str) -> ArchprofError | None:
    """The error for a text that is a common mistake; None where nothing is known of it."""
    return next((error for mistake in MISTAKES if (error := mistake(text))), None)


def assignment(text: str) -> ArchprofError | None:
    """``imgsz=640`` and ``model=x.yaml``, as Ultralytics' command line takes them."""
    match = _ASSIGNMENT.fullmatch(text)
    if match is None:
        return None
    key, value = match["key"], match["value"]
    if key == "model":
        hint = f"give the model by itself: {value or 'yolo11n.yaml'}"
    elif key in OPTIONS:
        hint = f"write it as an option: {OPTIONS[key]} {value}"
    else:
        hint = f"a value of the YAML is set with --set {text}"
    return UsageError(f"{text!r} is not a model: archprof does not take key=value", hint=hint)


def url(text: str) -> ArchprofError | None:
    """An address."""
    if not _URL.match(text):
        return None
    return UnknownReferenceError(
        f"{text!r} is an address: nothing is downloaded", hint="download it, and name the file"
    )


def file_of_weights(text: str) -> ArchprofError | None:
    """A checkpoint that is not there: Ultralytics would download it."""
    path = Path(text)
    if path.suffix.lower() not in WEIGHTS:
        return None
    hint = f"name the architecture: {path.stem}, {path.stem}.yaml or FILE.py:FACTORY"
    return UnknownReferenceError(f"there is no file {text!r}, and weights are not downloaded", hint=hint)


def exported_model(text: str) -> ArchprofError | None:
    """A model that was exported."""
    path = Path(text)
    if path.suffix.lower() not in EXPORTED:
        return None
    hint = "name what it was exported from: a YAML, timm:NAME, torchvision:NAME or FILE.py:FACTORY"
    return UnknownReferenceError(f"{text!r} is an exported model, which cannot be read", hint=hint)


def saved_profile(text: str) -> ArchprofError | None:
    """A profile or a lock file."""
    path = Path(text)
    if path.suffix != ".json":
        return None
    hint = f"saved profiles and lock files are compared: archprof compare {text} MODEL"
    return UnknownReferenceError(f"{text!r} is a JSON file, not a model", hint=hint)


def pattern(text: str) -> ArchprofError | None:
    """``models/*.yaml`` that no shell has expanded."""
    if not glob.has_magic(text):
        return None
    paths = sorted(glob.glob(text, recursive=True))  # noqa: PTH207 - a pattern with its folders
    if not paths:
        return UnknownReferenceError(f"no file matches {text!r}")
    return UsageError(f"{text!r} matches {_files(len(paths))}, and one model is wanted", hint=_choice(paths))


def folder(text: str) -> ArchprofError | None:
    """A folder of models."""
    path = Path(text)
    try:
        if not text.strip() or not path.is_dir():
            return None
    except (OSError, ValueError):
        return None
    paths = [str(path / name) for name in names_in(path, SUFFIXES)]
    hint = _choice(paths) if paths else "there is no YAML in it"
    return VariantError("a directory, not a YAML file", path=path, hint=hint)


MISTAKES: tuple[Callable[[str], ArchprofError | None], ...] = (
    assignment,
    url,
    folder,
    pattern,
    file_of_weights,
    exported_model,
    saved_profile,
)


def _files(number: int) -> str:
    return "one file" if number == 1 else f"{number:,} files"


def _choice(paths: list[str]) -> str:
    more = f" or one of {len(paths) - SHOWN:,} more" if len(paths) > SHOWN else ""
    several = f"; archprof compare {paths[0]} {paths[1]} takes several" if len(paths) > 1 else ""
    return f"name {' or '.join(paths[:SHOWN])}{more}{several}"
