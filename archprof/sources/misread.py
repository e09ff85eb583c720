"""What a reference was probably meant to be, where it is none: what other tools take, and what is no model."""

from __future__ import annotations

import glob
import itertools
import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from archprof.errors import ArchprofError, UnknownReferenceError, UsageError, VariantError, did_you_mean, nearest
from archprof.sources import assignment as assignments
from archprof.sources import foreign_names, other_files
from archprof.sources.files import GRAPHS, PROGRAMS, WEIGHTS, folders_in, is_file, is_folder, names_in
from archprof.sources.origins import model_suffixes

if TYPE_CHECKING:
    from collections.abc import Callable

EXPORTED = (".h5", ".engine", ".xml", ".mlpackage", ".tflite", ".pb")

SHOWN = 3
"""How many files of a folder a message names."""

_NOT_ARCHITECTURES = frozenset(
    ("best", "last", "final", "model", "weights", "checkpoint", "ckpt", "pytorch_model", "state_dict", "net")
)
"""What files of weights are called that are not called by their architecture."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|ul:|git@")


def explain(text: str) -> ArchprofError | None:
    """The error for a text that is a common mistake; None where nothing is known of it."""
    return next((error for mistake in MISTAKES if (error := mistake(text))), None)


def assignment(text: str) -> ArchprofError | None:
    """``imgsz=640`` and ``model=x.yaml``, as Ultralytics' command line takes them."""
    if assignments.split(text) is None:
        return None
    words, dropped = assignments.translate([text])
    hint = f"write it as {shlex.join(words)}" if words else "leave it out"
    if assignments.names_model(text):
        hint = f"give the model by itself: {words[0]}"
    elif dropped:
        hint = f"a value of the YAML is set with --set {text}"
    return UsageError(f"{text!r} is not a model: archprof does not take key=value", hint=hint)


def no_regular_file(text: str) -> ArchprofError | None:
    """A link to nothing, a pipe, a device."""
    path = Path(text)
    try:
        if path.is_symlink() and not path.exists():
            return VariantError(f"is a link to {path.readlink()}, which does not exist", path=path)
        if path.exists() and not (path.is_file() or path.is_dir()):
            return VariantError("is no regular file", path=path, hint="save what is in it, and name that file")
    except (OSError, ValueError):
        pass
    return None


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
    if path.stem.lower() in _NOT_ARCHITECTURES:
        hint = "name the architecture that it holds weights of: a YAML, yolo11n, timm:NAME or FILE.py:FACTORY"
    else:
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
    """An ONNX file or an exported program that is not there."""
    path = Path(text)
    suffixes = next((known for known in (GRAPHS, PROGRAMS) if path.suffix.lower() in known), None)
    if suffixes is None or is_folder(path):
        return None
    hint = did_you_mean(path.name, names_in(path.parent, suffixes))
    return UnknownReferenceError(f"there is no file {text!r}", hint=hint)


def config_of_another_project(text: str) -> ArchprofError | None:
    """A file that another project's model is configured in."""
    return other_files.explain(Path(text))


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
        return VariantError("a folder, not a model", path=text, hint=hint)
    files = "one file" if len(paths) == 1 else f"{len(paths):,} files"
    return UsageError(f"{text!r} matches {files}, and one model is wanted", hint=hint)


def matches(text: str) -> list[str] | None:
    """The files that a folder or a pattern means, in alphabetical order; None for any other text.

    Of a folder these are the files in it that may be models, as a YAML or a checkpoint may; those of inner folders are
    not among them.
    """
    path = Path(text)
    if is_file(path):
        return None
    if text.strip() and is_folder(path):
        return [str(path / name) for name in names_in(path, model_suffixes())]
    if not glob.has_magic(text):
        return None
    names = sorted(glob.glob(text, recursive=True))  # noqa: PTH207 - a pattern with its folders
    return [name for name in names if is_file(Path(name))]


def in_no_folder(text: str) -> ArchprofError | None:
    """A path whose folder is not there; ``models/`` is one, too."""
    path = Path(text)
    is_folder_name = text.endswith(("/", os.sep))
    if ":" in text or not (is_folder_name or (path.suffix in model_suffixes() and path.parent.parts)):
        return None
    folder = path if is_folder_name else path.parent
    if is_folder(folder) or not folder.parts:
        return None
    outer = next(outer for outer in folder.parents if is_folder(outer))
    near = nearest(folder.relative_to(outer).parts[0], (inner.name for inner in folders_in(outer)))
    hint = f"did you mean {' or '.join(f'{outer / name}/' for name in near)}?" if near else None
    return UnknownReferenceError(f"{text!r} not found: there is no folder {str(folder)!r}", hint=hint)


def nothing_there(text: str) -> ArchprofError:
    """The error of a folder without a model, or a pattern that no file matches."""
    path = Path(text)
    if not is_folder(path):
        folder = Path(*itertools.takewhile(lambda part: not glob.has_magic(part), path.parts))
        hint = None if is_folder(folder) else f"there is no folder {str(folder)!r}"
        return UnknownReferenceError(f"no file matches {text!r}", hint=hint)
    inner = next((folder for folder in folders_in(path) if any(names_in(folder, model_suffixes()))), None)
    hint = f"there are some in {inner}" if inner else None
    return VariantError(f"a folder without a model ({', '.join(model_suffixes())})", path=path, hint=hint)


MISTAKES: tuple[Callable[[str], ArchprofError | None], ...] = (
    assignment,
    no_regular_file,
    foreign_names.on_hub,
    foreign_names.on_other_framework,
    url,
    several,
    foreign_names.no_model,
    in_no_folder,
    file_of_weights,
    exported_model,
    missing_graph,
    config_of_another_project,
    saved_profile,
)
