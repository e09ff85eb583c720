"""The protobuf of an ONNX file without the values of its weights.

The file is mapped, not read, and its messages are walked by their lengths: what a weight holds is passed over. A length
that leads out of its message ends the walk before anything of that size is asked for.

The encoding: https://protobuf.dev/programming-guides/encoding. The field numbers: onnx.proto of ONNX IR 14.
"""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING

from archprof.errors import LimitError
from archprof.trace.onnx_graph.errors import OnnxFileError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VALUE_BYTES = 4096
"""A tensor of more bytes is a weight, whose values are left out; shapes, axes and indices are smaller."""

NODES = 100_000
FIELDS = 2_000_000
DEPTH = 24
SKELETON_BYTES = 256 << 20
"""Bounds of what is read: nodes, fields of messages, graphs within graphs, bytes without weights."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MESSAGES: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
"""What the fields of each message are that may hold weights."""

_LISTS = {"attribute": frozenset({7, 8, 9}), "tensor": frozenset({4, 5, 6, 7, 9, 10, 11})}
"""Fields that are values: floats, ints, strings and raw data."""


def skeleton(path: Path, *, value_bytes: int = VALUE_BYTES) -> bytes:
    """The model's protobuf without the values of tensors larger than ``value_bytes``.

    Raises:
        OnnxFileError: Where the file cannot be read, ends early, or is no protobuf.
        LimitError: Where it has more nodes, or deeper graphs, than are read.
    """
    try:
        with path.open("rb") as file:
            if not file.seek(0, 2):
                raise OnnxFileError("the file is empty", path=path)
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as view:
                return _Walk(path, view, value_bytes).run()
    except OSError as error:
        raise OnnxFileError(f"cannot be read: {error.strerror}", path=path) from None


class _Walk:
    """One walk over the messages of a file."""

    def __init__(self, path: Path, view: memoryview, value_bytes: int) -> None:
        self.path, self.view, self.value_bytes = path, view, value_bytes
        self.nodes = self.fields = self.kept_bytes = 0

    def run(self) -> bytes:
        return b"".join(self.message("model", 0, len(self.view), 0))

    def message(self, kind: str, start: int, end: int, depth: int) -> list[bytes]:
        """The pieces of a message that stay.

        Args:
            kind: A key of the table of messages.
            start: Where it begins in the file.
            end: Where it ends.
            depth: Messages that it lies in.
        """
        if depth > 4 * DEPTH:
            raise LimitError(f"graphs within graphs, more than {DEPTH} deep", path=self.path)
        children, lists = _MESSAGES[kind], _LISTS.get(kind, ())
        pieces: list[bytes] = []
        position = verbatim = start  # what lies between the two stays as it is
        while position < end:
            field_start = position
            tag, position = self.varint(position, end)
            field, wire = tag >> 3, tag & 7
            self.fields += 1
            if self.fields > FIELDS:
                raise LimitError(f"more than {FIELDS:,} entries", path=self.path)
            if wire == _BYTES:
                length, position = self.varint(position, end)
                if length > end - position:
                    raise self.broken(f"a field of {length:,} bytes at {field_start:,} leads out of what it is in")
                child = children.get(field)
                if kind in ("graph", "function") and child == "node":
                    self.nodes += 1
                    if self.nodes > NODES:
                        raise LimitError(f"more than {NODES:,} nodes", path=self.path, hint="this is no network")
                if child is not None and length > self.value_bytes:
                    inner = self.message(child, position, position + length, depth + 1)
                    pieces += [self.piece(verbatim, field_start), _varint(tag), _varint(sum(map(len, inner))), *inner]
                    verbatim = position + length
                elif field in lists and length > self.value_bytes:
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
        pieces.append(self.piece(verbatim, end))
        return pieces

    def piece(self, start: int, end: int) -> bytes:
        """A stretch of the file that stays."""
        self.kept_bytes += end - start
        if self.kept_bytes > SKELETON_BYTES:
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
