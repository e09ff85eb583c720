"""What a file is, told by its first bytes."""

from __future__ import annotations

from typing import Literal, NamedTuple

Container = Literal["zip", "pickle", "safetensors"]

HEAD_BYTES = 512


class Foreign(NamedTuple):
    """A file that is no checkpoint: what it is, and what to do."""

    what: str
    hint: str


_EXPECTED = "name a file that torch.save or Ultralytics wrote (.pt, .pth), or a .safetensors file"
_WEB_PAGE = Foreign("a web page", "the download got an error page instead of the file: download it again")

_SIGNATURES: tuple[tuple[int, bytes, Foreign], ...] = (
    (
        0,
        b"version https://git-lfs.github.com/",
        Foreign("a Git LFS pointer, not the file itself", "run git lfs pull to get the file"),
    ),
    (0, b"<!doctype html", _WEB_PAGE),
    (0, b"<html", _WEB_PAGE),
    (0, b"\x1f\x8b", Foreign("gzip data", "unpack it first")),
    (0, b"\x28\xb5\x2f\xfd", Foreign("Zstandard data", "unpack it first")),
    (0, b"\xfd7zxz\x00", Foreign("xz data", "unpack it first")),
    (0, b"7z\xbc\xaf\x27\x1c", Foreign("a 7-Zip archive", "unpack it first")),
    (257, b"ustar", Foreign("a tar archive", "unpack it first; torch before 0.1.10 saved models so: save it again")),
    (0, b"\x89hdf\r\n\x1a\n", Foreign("an HDF5 file, as Keras writes", _EXPECTED)),
    (0, b"gguf", Foreign("a GGUF file", _EXPECTED)),
    (4, b"tfl3", Foreign("a TensorFlow Lite model", _EXPECTED)),
    (0, b"\xff\xd8\xff", Foreign("a JPEG image", _EXPECTED)),
    (0, b"\x89png\r\n", Foreign("a PNG image", _EXPECTED)),
    (0, b"gif8", Foreign("a GIF image", _EXPECTED)),
    (0, b"%pdf", Foreign("a PDF document", _EXPECTED)),
    (0, b"\x7felf", Foreign("a program or library", _EXPECTED)),
    (0, b"\x93numpy", Foreign("a NumPy array", _EXPECTED)),
)
"""Where a kind of file has which bytes; in lower case."""

_UNKNOWN = Foreign("not a checkpoint: neither a zip file, a pickle nor a safetensors file", _EXPECTED)

_PICKLE_STARTS = (b"\x80", b"(", b"]", b"}", b"c", b"L119547037146038801333356L")
"""What opens a pickle: PROTO, or in protocol 0 and 1 the first opcode of a dict, list or object, or torch's number."""


def container_of(head: bytes) -> Container | Foreign:
    """How to read a file, or what it is instead.

    Args:
        head: Its first bytes, 512 of them where it has so many.
    """
    lower = head.lower()
    for offset, signature, foreign in _SIGNATURES:
        if lower[offset : offset + len(signature)] == signature:
            return foreign
    if head.startswith(b"PK\x03\x04"):
        return "zip"
    if head[7:9] == b"\0{":  # the last byte of the header's length, and the header, in JSON
        return "safetensors"
    if head.startswith(_PICKLE_STARTS):
        return "pickle"
    return _UNKNOWN
