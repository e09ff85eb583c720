"""What a reference was probably meant to be, where it is none: what other tools take, and what is no model."""

from __future__ import annotations

import glob
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from archprof.errors import ArchprofError, UnknownReferenceError, UsageError, VariantError, did_you_mean
from archprof.sources import assignment as assignments
from archprof.sources.files import GRAPHS, SUFFIXES, WEIGHTS, folders_in, is_file, is_folder, names_in

if TYPE_CHECKING:
    from collections.abc import Callable

EXPORTED = (".h5", ".pt2", ".torchscript", ".engine", ".xml", ".mlpackage", ".tflite", ".pb")

SHOWN = 3
"""How many files of a folder a message names."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|hf-hub:|ul:")


def explain(text: str) -> ArchprofError | None:
    """The error for a text that is a common mistake; None where nothing is known of it."""
    return next((error for mistake in MISTAKES if (error := mistake(text))), None)


def assignment(text: str) -> ArchprofError | None:
    """``imgsz=640`` and ``model=x.yaml``, as Ultralytics' command line takes them."""
    if assignments.split(text) is None:
        return None
    words, dropped = assignments.translate([text])
    hint = f"write it as {shlex.join(words)}" if words else "leave it out"
    if text.startswith("model="):
        hint = f"give the model by itself: {words[0]}"
    elif dropped:
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


def missing_graph(text: str) -> ArchprofError | None:
    """An ONNX file that is not there."""
    path = Path(text)
    if path.suffix.lower() not in GRAPHS or is_folder(path):
        return None
    hint = did_you_mean(path.name, names_in(path.parent, GRAPHS))
    return UnknownReferenceError(f"there is no file {text!r}", hint=hint)


def saved_profile(text: str) -> ArchprofError | None:
    """A profile or a lock file."""
    path = Path(text)
    if path.suffix != ".json":
        return None
    hint = f"saved profiles and lock files are compared: archprof compare {text} MODEL"
    return UnknownReferenceError(f"{text!r} is a JSON file, not a model", hint=hint)


def several(text: str) -> ArchprofError | None:
    """``models/*.yaml`` that no shell has expanded, or a folder, where one model is wanted."""
    paths = matches(text)
    if paths is None:
        return None
    if not paths:
        return nothing_there(text)
    more = f" or one of {len(paths) - SHOWN:,} more" if len(paths) > SHOWN else ""
    hint = f"name {' or '.join(paths[:SHOWN])}{more}; `archprof summary {shlex.quote(text)}` takes all of them"
    if is_folder(Path(text)):
        return VariantError("a directory, not a YAML file", path=text, hint=hint)
    files = "one file" if len(paths) == 1 else f"{len(paths):,} files"
    return UsageError(f"{text!r} matches {files}, and one model is wanted", hint=hint)


def matches(text: str) -> list[str] | None:
    """The files that a folder or a pattern means, in alphabetical order; None for any other text.

    Of a folder these are the YAMLs in it, those of inner folders not among them.
    """
    path = Path(text)
    if is_file(path):
        return None
    if text.strip() and is_folder(path):
        return [str(path / name) for name in names_in(path, SUFFIXES)]
    if not glob.has_magic(text):
        return None
    names = sorted(glob.glob(text, recursive=True))  # noqa: PTH207 - a pattern with its folders
    return [name for name in names if is_file(Path(name))]


def nothing_there(text: str) -> ArchprofError:
    """The error of a folder without a YAML, or a pattern that no file matches."""
    path = Path(text)
    if not is_folder(path):
        return UnknownReferenceError(f"no file matches {text!r}")
    inner = next((folder for folder in folders_in(path) if any(names_in(folder, SUFFIXES))), None)
    hint = f"there are some in {inner}" if inner else None
    return VariantError("a directory without a YAML file", path=path, hint=hint)


MISTAKES: tuple[Callable[[str], ArchprofError | None], ...] = (
    assignment,
    url,
    several,
    file_of_weights,
    exported_model,
    missing_graph,
    saved_profile,
)
