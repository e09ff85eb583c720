"""The bytes of a YAML file, and the text that they are. YAML itself is not looked at here, nor imported."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from archprof.errors import VariantError

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 1 << 20


def read(path: Path) -> bytes:
    """What is in a file.

    Raises:
        VariantError: Where it cannot be read, is no regular file, or is too large.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise VariantError("a directory, not a YAML file", path=path)
        if not stat.S_ISREG(mode):
            raise VariantError("not a regular file", path=path)
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise VariantError(f"cannot be read: {error.strerror or error}", path=path) from None
    if len(data) > MAX_BYTES:
        raise VariantError(f"larger than {MAX_BYTES:,} bytes", path=path)
    return data


def decode(data: bytes, path: Path) -> str:
    """The text that some bytes are; ``path`` is for messages.

    Raises:
        VariantError: Where they are not UTF-8.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"a binary file, or not UTF-8: byte 0x{data[error.start]:02x}"
        raise VariantError(message, path=path, line=line) from None
