"""The protobuf of an ONNX file without the values of its weights.

The file is mapped, not read, and its messages are walked by their lengths: what a weight holds is passed over. A length
that leads out of its message ends the walk before anything of that size is asked for, and there are bounds on how many
messages there may be, because each takes more memory than it has bytes in the file.

The encoding: https://protobuf.dev/programming-guides/encoding. The field numbers: onnx.proto of ONNX IR 14.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from archprof.errors import ArchprofError, LimitError
from archprof.sources.onnx_file.error import OnnxFileError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VALUE_BYTES = 4096
"""A tensor of more bytes is a weight, whose values are left out; shapes, axes and indices are smaller."""

NODES = 50_000
FIELDS = 400_000
DEPTH = 24
SKELETON_BYTES = 32 << 20
INFO_BYTES = 4 << 20
"""Bounds of what is read: nodes, fields of messages, graphs within graphs, bytes without weights, and those of them
that declare types."""

_SMALL = 64
"""A message of so few bytes has few others in it, and stays as it is."""

_PLAIN, _PLAIN_BYTES = 512, 2 << 20
"""One of so few has no weight in it, and stays as it is too, as long as all such are of no more bytes together than
this: whatever is in them then takes little memory."""

_NOTE = 512
"""A longer note on a node says which line of Python it comes from."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True, slots=True)
class _Message:
    """What the fields of a message are, by their numbers.

    Attributes:
        messages: Messages that are walked.
        values: Numbers and bytes that are left out where there are many.
        infos: Types of values.
        notes: Texts that are left out where they are long.
        unused: What nothing here reads.
    """

    messages: Mapping[int, str]
    values: frozenset[int] = frozenset()
    infos: frozenset[int] = frozenset()
    notes: frozenset[int] = frozenset()
    unused: frozenset[int] = frozenset()


_MESSAGES = {
    "model": _Message({7: "graph", 25: "function"}, unused=frozenset({6, 20})),
    "graph": _Message(
        {1: "node", 5: "tensor", 15: "sparse"}, infos=frozenset({11, 12, 13}), unused=frozenset({10, 14, 16})
    ),
    "function": _Message({7: "node", 11: "attribute"}, unused=frozenset({8, 12, 14})),
    "node": _Message({5: "attribute"}, notes=frozenset({9}), unused=frozenset({6, 10})),
    "attribute": _Message(
        {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
        values=frozenset({7, 8, 9}),
        infos=frozenset({14, 15}),
        unused=frozenset({13}),
    ),
    "sparse": _Message({1: "tensor", 2: "tensor"}),
    "tensor": _Message({}, values=frozenset({4, 5, 6, 7, 9, 10, 11}), unused=frozenset({12, 16})),
}


def skeleton(path: Path) -> bytes:
    """The model's protobuf without the values of weights, and without what only people read.

    Raises:
        OnnxFileError: Where the file cannot be read, ends early, or is no protobuf.
        LimitError: Where it has more nodes, or deeper graphs, than are read.
    """
    try:
        stat = path.stat()
    except OSError as error:
        raise OnnxFileError(f"cannot be read: {error.strerror}", path=path) from None
    result = _walked(path, stat.st_mtime_ns, stat.st_size)
    if isinstance(result, ArchprofError):
        raise result
    return result


@lru_cache(maxsize=1)
def _walked(path: Path, modified: int, size: int) -> bytes | ArchprofError:
    """The skeleton, or what is wrong with the file: whoever looks for a cached profile asks for it, and who counts."""
    try:
        return _walk(path)
    except ArchprofError as error:
        return error


def _walk(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            if not file.seek(0, 2):
                raise OnnxFileError("the file is empty", path=path)
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as view:
                return _Walk(path, view).run()
    except OSError as error:
        raise OnnxFileError(f"cannot be read: {error.strerror}", path=path) from None


class _Walk:
    """One walk over the messages of a file."""

    def __init__(self, path: Path, view: memoryview) -> None:
        self.path, self.view = path, view
        self.nodes = self.fields = self.bytes = self.info_bytes = self.plain_bytes = 0

    def run(self) -> bytes:
        pieces = self.message("model", 0, len(self.view), 0)
        return bytes(self.piece(0, len(self.view))) if pieces is None else b"".join(pieces)

    def message(self, kind: str, start: int, end: int, depth: int) -> list[bytes] | None:
        """The pieces of a message that stay; None where all of it does.

        Args:
            kind: A key of the table of messages.
            start: Where it begins in the file.
            end: Where it ends.
            depth: Messages that it lies in.
        """
        if depth > 4 * DEPTH:
            raise LimitError(f"graphs within graphs, more than {DEPTH} deep", path=self.path)
        table, view = _MESSAGES[kind], self.view
        pieces: list[bytes] = []
        position = verbatim = start  # what lies between the two stays as it is
        while position < end:
            field_start = position
            # Most numbers are of one byte.
            tag = view[position]
            if tag < 0x80:
                position += 1
            else:
                tag, position = self.varint(position, end)
            field, wire = tag >> 3, tag & 7
            self.fields += 1
            if self.fields > FIELDS:
                raise LimitError(f"more than {FIELDS:,} entries", path=self.path, hint="this is no network")
            if wire == _BYTES:
                if position < end and (length := view[position]) < 0x80:
                    position += 1
                else:
                    length, position = self.varint(position, end)
                if length > end - position:
                    raise self.broken(f"a field of {length:,} bytes at {field_start:,} leads out of what it is in")
                if field in table.messages:
                    inner = self.child(table.messages[field], position, length, depth)
                    if inner is not None:
                        pieces += [self.piece(verbatim, field_start), _varint(tag), _varint(sum(map(len, inner)))]
                        pieces += inner
                        verbatim = position + length
                elif self.is_dropped(table, field, length):
                    pieces.append(self.piece(verbatim, field_start))
                    verbatim = position + length
                position += length
            elif wire == _FIXED64:
                position += 8
            elif wire == _FIXED32:
                position += 4
            elif wire == _VARINT:
                _, position = self.varint(position, end)
            else:
                raise self.broken(f"no field begins at {field_start:,}")
            if field == 0 or position > end:
                raise self.broken(f"no field begins at {field_start:,}")
        if verbatim == start:
            return None
        pieces.append(self.piece(verbatim, end))
        return pieces

    def child(self, kind: str, start: int, length: int, depth: int) -> list[bytes] | None:
        """The pieces of a message within another; None where all of it stays."""
        if kind == "node":
            self.nodes += 1
            if self.nodes > NODES:
                raise LimitError(f"more than {NODES:,} nodes", path=self.path, hint="this is no network")
        if length <= _SMALL:
            return None
        if length <= _PLAIN and self.plain_bytes < _PLAIN_BYTES:
            self.plain_bytes += length
            return None
        return self.message(kind, start, start + length, depth + 1)

    def is_dropped(self, table: _Message, field: int, length: int) -> bool:
        """Whether a field is left out."""
        if field in table.infos:
            self.info_bytes += length
            if self.info_bytes > INFO_BYTES:
                raise LimitError(f"more than {INFO_BYTES >> 20} MiB of declared types", path=self.path)
        return (
            field in table.unused
            or (field in table.values and length > VALUE_BYTES)
            or (field in table.notes and length > _NOTE)
        )

    def piece(self, start: int, end: int) -> bytes:
        """A stretch of the file that stays."""
        self.bytes += end - start
        if self.bytes > SKELETON_BYTES:
            raise LimitError(f"more than {SKELETON_BYTES >> 20} MiB beside its weights", path=self.path)
        return bytes(self.view[start:end])

    def varint(self, position: int, end: int) -> tuple[int, int]:
        """A whole number of one to ten bytes, and where it ends."""
        value = shift = 0
        while position < end and shift < 70:
            byte = self.view[position]
            position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, position
            shift += 7
        raise self.broken("a number has no end" if shift >= 70 else "the file ends within a number")

    def broken(self, reason: str) -> OnnxFileError:
        """The error of what is no protobuf, or only the beginning of one."""
        return OnnxFileError(f"not an ONNX file, or a truncated one: {reason}", path=self.path)


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
