"""Questions to the file system that never raise, whatever a reference's text is."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SUFFIXES = (".yaml", ".yml")
"""Extensions of a YAML."""

WEIGHTS = (".pt", ".pth", ".ckpt", ".safetensors", ".bin", ".torchscript", ".jit", ".ptl")
"""Extensions of a checkpoint; the last three are of TorchScript."""

GRAPHS = (".onnx",)
"""Extensions of an ONNX file."""

PROGRAMS = (".pt2",)
"""Extensions of an exported program."""


def is_file(path: Path) -> bool:
    """Whether there is a file of that path; no for a path that cannot be one."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    """Whether there is a folder of that path; no for a path that cannot be one."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def names_in(folder: Path, suffixes: tuple[str, ...]) -> Iterator[str]:
    """The names with one of those extensions in a folder; none where it cannot be listed."""
    try:
        yield from sorted(file.name for file in folder.iterdir() if file.suffix in suffixes)
    except (OSError, ValueError):
        return


def folders_in(folder: Path) -> Iterator[Path]:
    """The folders in a folder, not those in them; none where it cannot be listed."""
    try:
        yield from sorted(inner for inner in folder.iterdir() if is_folder(inner))
    except (OSError, ValueError):
        return


def package_folder(name: str) -> Path | None:
    """The folder of an installed package that lies in no other, without importing it; None where it is absent."""
    spec = find_spec(name)
    folders = spec.submodule_search_locations if spec else None
    return Path(next(iter(folders))) if folders else None


def bare_name(text: str) -> str | None:
    """A reference without a YAML's extension; None where it names a folder, and so can only mean a file."""
    if "/" in text or "\\" in text or "\0" in text:
        return None
    return next((text.removesuffix(suffix) for suffix in SUFFIXES if text.endswith(suffix)), text)
