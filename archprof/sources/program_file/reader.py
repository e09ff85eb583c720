"""A path -> the exported program in it. Its weights are not read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import msgspec

from archprof.errors import LimitError
from archprof.sources.program_file.archive import ProgramArchive
from archprof.sources.program_file.error import ProgramFileError
from archprof.sources.program_file.program import MAJOR_VERSION, Graph, Header, PayloadConfig, Program

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from archprof.sources.program_file.program import Argument, PayloadMeta

MAX_PROGRAM_BYTES = 64 << 20
"""Of the program's JSON. YOLO11n has 0.9 MB, 364 nodes, and 18,000 objects and lists."""

MAX_CONTAINERS = 1_500_000
"""Objects and lists in it."""

MAX_VALUES = 6_000_000
"""What stands between commas in it."""

MAX_NODES = 50_000
"""With those of the graphs within nodes."""

MAX_CONFIG_BYTES = 64 << 20

MAX_TABLE_BYTES = 1 << 19
"""Of one constant or table of whole numbers whose values are read: a program may steer by them. Larger ones do not."""

MAX_TABLES_BYTES = 16 << 20
"""Of all of them."""

_WHOLE_NUMBERS = frozenset({1, 2, 3, 4, 5, 12})
"""Torch's numbers of the integer types, and of the type of truth values."""

_Decoded = TypeVar("_Decoded")


@dataclass(frozen=True, kw_only=True)
class ProgramFile:
    """A file with an exported program.

    Attributes:
        path: The file.
        header: The version of its format, and the torch that wrote it.
        program: The program.
        weights: Where the bytes of each parameter and buffer are, by name; empty where they are in a pickle.
        constants: Where those of other tensors are.
        values: The bytes of the small constants and of small tables of whole numbers, by name.
    """

    path: Path
    header: Header
    program: Program
    weights: Mapping[str, PayloadMeta] = field(default_factory=dict)
    constants: Mapping[str, PayloadMeta] = field(default_factory=dict)
    values: Mapping[str, bytes] = field(default_factory=dict)


_FOLDERS = ("weights", "constants")
"""The folders of an archive that tensors are in."""


def read(path: Path) -> ProgramFile:
    """Read an exported program.

    Raises:
        ProgramFileError: Where it is none, is damaged, or is of a version that is not read.
        LimitError: Where it has more nodes than are followed.
    """
    try:
        with path.open("rb") as file, ProgramArchive(file, path) as archive:
            data = archive.read(archive.program, MAX_PROGRAM_BYTES)
            _check_amount(data, path)
            header = _decoded(data, Header, archive.program, path)
            _check_version(header, path)
            program = _decoded(data, Program, archive.program, path)
            weights, constants = (_payload(archive, folder, _config(archive, folder)) for folder in _FOLDERS)
            values = _values(archive, weights, constants)
    except OSError as error:
        raise _unreadable(error, path) from None
    if (nodes := _number_of_nodes(program.graph_module.graph, path)) > MAX_NODES:
        raise LimitError(f"a program of {nodes:,} nodes; {MAX_NODES:,} is the limit", path=path)
    return ProgramFile(path=path, header=header, program=program, weights=weights, constants=constants, values=values)


def content(path: Path) -> bytes:
    """All that the figures of a file depend on: its program, and the values of its small constants.

    Raises:
        ProgramFileError: Where it is no exported program, or is damaged.
    """
    try:
        with path.open("rb") as file, ProgramArchive(file, path) as archive:
            parts = [archive.read(archive.program, MAX_PROGRAM_BYTES)]
            configs = [_config(archive, folder) for folder in _FOLDERS]
            parts += [config for config in configs if config is not None]
            weights, constants = (_payload(archive, *pair) for pair in zip(_FOLDERS, configs, strict=True))
            for name, value in _values(archive, weights, constants).items():
                parts += [name.encode(), value]
    except OSError as error:
        raise _unreadable(error, path) from None
    return b"".join(len(part).to_bytes(8) + part for part in parts)


def _unreadable(error: OSError, path: Path) -> ProgramFileError:
    return ProgramFileError(f"it cannot be read: {error.strerror or error}", path=path)


def _decoded(data: bytes, type_: type[_Decoded], record: str, path: Path) -> _Decoded:
    try:
        return msgspec.json.decode(data, type=type_)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise ProgramFileError(
            f"{record} is damaged, or no exported program: {error}", path=path, hint="export and save the program again"
        ) from None


def _check_amount(data: bytes, path: Path) -> None:
    """See to it that a program is no larger than what is taken into memory.

    Raises:
        LimitError: Where it is.
    """
    containers, values = data.count(b"{") + data.count(b"["), data.count(b",")
    if containers > MAX_CONTAINERS or values > MAX_VALUES:
        raise LimitError(
            f"a program of {containers:,} objects and lists and {values:,} values; {MAX_CONTAINERS:,} and"
            f" {MAX_VALUES:,} are the limits",
            path=path,
        )


def _check_version(header: Header, path: Path) -> None:
    major, minor = header.schema_version.major, header.schema_version.minor
    if major == MAJOR_VERSION:
        return
    raise ProgramFileError(
        f"its format has version {major}.{minor}, written by torch {header.torch_version[:40]}; version"
        f" {MAJOR_VERSION} is read",
        path=path,
        hint="update archprof, or export it with an older torch" if major > MAJOR_VERSION else "export it again",
    )


def _config_record(archive: ProgramArchive, folder: str) -> str:
    stem = archive.program.removeprefix("models/").removesuffix(".json")
    return f"data/{folder}/{stem}_{folder}_config.json"


def _config(archive: ProgramArchive, folder: str) -> bytes | None:
    """What says which tensors a folder of the archive has; None where an older torch has put them into a pickle."""
    record = _config_record(archive, folder)
    return archive.read(record, MAX_CONFIG_BYTES) if archive.has(record) else None


def _payload(archive: ProgramArchive, folder: str, config: bytes | None) -> Mapping[str, PayloadMeta]:
    """Which tensors a folder of the archive has, given what :func:`_config` says."""
    if config is None:
        return {}
    return _decoded(config, PayloadConfig, _config_record(archive, folder), archive.path).config


def _values(
    archive: ProgramArchive, weights: Mapping[str, PayloadMeta], constants: Mapping[str, PayloadMeta]
) -> Mapping[str, bytes]:
    """The bytes of the small constants, and of small buffers of whole numbers."""
    records = {name: (payload, f"data/constants/{payload.path_name}") for name, payload in constants.items()}
    for name, payload in weights.items():
        if payload.tensor_meta is not None and payload.tensor_meta.dtype in _WHOLE_NUMBERS:
            records[name] = payload, f"data/weights/{payload.path_name}"
    values, total = {}, 0
    for name, (payload, record) in records.items():
        if payload.use_pickle or payload.tensor_meta is None or not archive.has(record):
            continue
        if archive.size(record) > MAX_TABLE_BYTES or total + archive.size(record) > MAX_TABLES_BYTES:
            continue
        values[name] = archive.read(record, MAX_TABLE_BYTES)
        total += len(values[name])
    return values


def _number_of_nodes(graph: Graph, path: Path) -> int:
    """Those of a graph, and of the graphs that are arguments of its nodes."""
    inner = [inner_graph(entry.arg, path) for node in graph.nodes for entry in node.inputs if "as_graph" in entry.arg]
    return len(graph.nodes) + sum(_number_of_nodes(nested, path) for nested in inner)


def inner_graph(argument: Argument, path: Path) -> Graph:
    """The graph that is an argument of a node.

    Raises:
        ProgramFileError: Where it is none.
    """
    try:
        return msgspec.convert(argument["as_graph"]["graph"], Graph)
    except (msgspec.MsgspecError, RecursionError, KeyError, TypeError) as error:
        raise ProgramFileError(f"a graph within a node of it is damaged: {error}", path=path) from None
