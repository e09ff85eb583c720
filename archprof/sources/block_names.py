"""The names of blocks, read from the files that register them: importing Ultralytics takes seconds.

What is registered otherwise is not seen here, so that a name that is not listed may be a block's nevertheless, unless
it stands nowhere in the files of whatever a variant may use.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from archprof.errors import nearest
from archprof.sources import families
from archprof.sources.files import package_folder
from archprof.sources.spec import STOCK, YOLOV5, ZOO

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_REGISTERED = re.compile(r"""\bregister\(\s*["']([\w.]+)["']""")
_WORD = re.compile(r"\w+")
_PREFIXES = {"nn.": ("torch", "nn/modules/__init__.py"), "torchvision.ops.": ("torchvision", "ops/__init__.py")}
_ELSEWHERE = {
    "YOLOv7": (
        "BottleneckCSPA", "BottleneckCSPB", "BottleneckCSPC", "Chuncat", "DownC", "Foldcut", "GhostSPPCSPC",
        "IAuxDetect", "IBin", "IDetect", "IKeypoint", "MP", "ReOrg", "ResCSPA", "ResCSPB", "ResCSPC", "ResXCSPA",
        "ResXCSPB", "ResXCSPC", "RobustConv", "SP", "SPPCSPC", "STCSPA", "STCSPB", "STCSPC", "Shortcut", "Stem",
    ),
    "YOLOv9": (
        "DDetect", "DSegment", "DualDDetect", "DualDSegment", "DualDetect", "Panoptic", "RepNCSP", "TripleDDetect",
        "TripleDetect",
    ),
}  # fmt: skip
"""Repositories whose YAMLs are in the dialect, and blocks that only they have."""

_YOLOV5 = Path(__file__).parents[1] / "builder" / YOLOV5


def is_unknown(name: str, family: str) -> bool:
    """Whether a row of a family surely names no block, as long as no plugin registers one."""
    prefix = next((prefix for prefix in _PREFIXES if name.startswith(prefix)), "")
    names = _imported(*_PREFIXES[prefix]) if prefix else _stock()
    if not names or name.removeprefix(prefix) in names:
        return False
    if family in (STOCK, YOLOV5):
        return family == STOCK or name not in _words(_YOLOV5)
    package = families.families().get(family)
    if package is None or not package.package.startswith(ZOO) or package.folder is None:
        return False  # whatever a stranger's package does to register it
    return name not in _words(package.folder)


def hint(name: str, families_of: Iterable[str], near: Iterable[str]) -> str:
    """What may have been meant by a name that is no block's.

    Args:
        name: The name.
        families_of: The families that have a block of this name.
        near: The names of blocks that are like it.
    """
    if names := list(families_of):
        which = "the family" if len(names) == 1 else "the families"
        first = f"say which is meant at the file's top level, as `family: {names[0]}`"
        return f"{name} is a block of {which} {', '.join(names)}; {first}"
    similar = list(near)
    question = f"did you mean {' or '.join(similar)}? " if similar else ""
    if repository := next((repository for repository, blocks in _ELSEWHERE.items() if name in blocks), None):
        question = f"{name} is a block of {repository}'s own repository, which archprof does not have. "
    return f"{question}A block of your own is registered with archprof.register, in a file that you name with --plugin"


def hint_without_building(name: str, family: str) -> str:
    """The same, of what stands in files."""
    by_family = _by_family()
    owners = sorted(owner for owner, names in by_family.items() if name in names)
    return hint(name, owners, nearest(name, {*_of_every_family(), *by_family.get(family, ())}))


def known() -> set[str]:
    """Every name of a block that stands in files: of Ultralytics, of torch.nn, of the installed families."""
    return set(_of_every_family()).union(*_by_family().values())


def _by_family() -> dict[str, frozenset[str]]:
    return {family.name: _registered(family.folder) for family in families.families().values() if family.folder}


def _of_every_family() -> Iterator[str]:
    yield from _stock()
    yield from (f"nn.{name}" for name in _imported(*_PREFIXES["nn."]))


def _stock() -> frozenset[str]:
    names = _imported("ultralytics", "nn/modules/__init__.py")
    return names | {"Silence"} if names else names


@cache
def _imported(package: str, file: str) -> frozenset[str]:
    """The names that a package's file imports from its others; none where it is not there."""
    folder = package_folder(package)
    path = folder / file if folder else None
    if path is None or not path.is_file():
        return frozenset()
    imports = (node for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.ImportFrom))
    return frozenset(alias.asname or alias.name for node in imports for alias in node.names)


@cache
def _words(folder: Path) -> frozenset[str]:
    return frozenset(word for text in _texts(folder) for word in _WORD.findall(text))


@cache
def _registered(folder: Path) -> frozenset[str]:
    return frozenset(name for text in _texts(folder) for name in _REGISTERED.findall(text))


def _texts(folder: Path) -> list[str]:
    return [file.read_text("utf-8", errors="ignore") for file in sorted(folder.rglob("*.py"))]
