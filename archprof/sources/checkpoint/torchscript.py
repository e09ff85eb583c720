"""TorchScript: modules are records of attributes, and their source says which of them are parameters and buffers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from archprof.sources.checkpoint.limits import MAX_CODE_BYTES
from archprof.sources.checkpoint.modules import Parts, PartsOf
from archprof.sources.checkpoint.nodes import Node, class_of, state_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archprof.sources.checkpoint.archive import Archive
    from archprof.sources.checkpoint.contents import Role
    from archprof.sources.checkpoint.nodes import Name, Table

_CLASS = re.compile(r"^class (?P<name>\w+)\(Module\):", re.MULTILINE)
_LIST = re.compile(r"^  __(?P<role>parameters|buffers)__ = \[(?P<names>[^\]\n]*)\]", re.MULTILINE)
_MANGLE = re.compile(r"\.___torch_mangle_\d+")


class Declared(NamedTuple):
    """The names that a class's source calls parameters and buffers."""

    parameters: frozenset[str]
    buffers: frozenset[str]


def is_torchscript(records: Iterable[str]) -> bool:
    """Whether a file of such records is TorchScript."""
    names = set(records)
    return "constants.pkl" in names and any(name.startswith("code/") for name in names)


def is_script_module(node: Node) -> bool:
    """Whether a node is a module of TorchScript."""
    kind = class_of(node)
    return kind is not None and kind.module.startswith("__torch__") and state_of(node) is not None


def class_name(path: str) -> str:
    """A class as it was called in Python: ``torch.nn.modules.conv.Conv2d``."""
    return _MANGLE.sub("", path).removeprefix("__torch__.")


def sources(archive: Archive) -> dict[str, str]:
    """The source of each module of the archive, by the module's name.

    Raises:
        CheckpointError: Where it is larger than the limit, or damaged.
    """
    texts = {}
    left = MAX_CODE_BYTES
    for record in archive.sizes:
        if record.startswith("code/") and record.endswith(".py"):
            data = archive.read(record, left)
            left -= len(data)
            module = record.removeprefix("code/").removesuffix(".py").replace("/", ".")
            texts[module] = data.decode("utf-8", "replace")
    return texts


def declared(texts: dict[str, str]) -> dict[str, Declared]:
    """What each class calls its parameters and buffers, by the class's full name."""
    classes = {}
    for module, text in texts.items():
        starts = list(_CLASS.finditer(text))
        ends = [*(match.start() for match in starts[1:]), len(text)][: len(starts)]  # a file may hold functions alone
        for match, end in zip(starts, ends, strict=True):
            lists = {found["role"]: found["names"] for found in _LIST.finditer(text, match.end(), end)}
            names = (frozenset(re.findall(r'"([^"]*)"', lists.get(role, ""))) for role in ("parameters", "buffers"))
            classes[f"{module}.{match['name']}"] = Declared(*names)
    return classes


def parts_of(classes: dict[str, Declared]) -> PartsOf:
    """What hangs on a module, by what its class declares; all tensors where its source is not there."""

    def parts(kind: Name, state: Table) -> Parts:
        own = classes.get(kind.path)
        entries = {key: value for key, value in state.entries.items() if isinstance(key, str)}
        tensors: dict[str, tuple[Node, Role | None]] = {}
        for name, value in entries.items():
            if own is None:
                tensors[name] = (value, None)
            elif name in own.parameters:
                tensors[name] = (value, "parameter")
            elif name in own.buffers:
                tensors[name] = (value, "buffer")
        return Parts({name: value for name, value in entries.items() if is_script_module(value)}, tensors)

    return parts


class Extra(msgspec.Struct):
    """What Ultralytics writes beside its exported TorchScript, as ``extra/config.txt``."""

    task: str | None = None
    names: dict[int, str] | None = None
    version: str | None = None
    date: str | None = None


def extra(archive: Archive) -> Extra:
    """What Ultralytics says of a model that it exported; nothing for a model of others."""
    if "extra/config.txt" not in archive.sizes:
        return Extra()
    try:
        return msgspec.json.decode(archive.read("extra/config.txt", MAX_CODE_BYTES), type=Extra)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError):
        return Extra()
