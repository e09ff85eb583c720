"""The bytes of a YAML file, and the text that they are. YAML itself is not looked at here, nor imported."""

from __future__ import annotations

import codecs
import stat
from typing import TYPE_CHECKING

from archprof.errors import VariantError

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 1 << 20

# That of UTF-16 begins that of UTF-32, which so goes first.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


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


def decode(data: bytes) -> str:
    """The text that some bytes are: UTF-16 and UTF-32 by their mark, anything else as UTF-8.

    Bytes that are not UTF-8 are left out, as Ultralytics does (``YAML.load`` in ``ultralytics/utils/__init__.py``,
    8.4): a comment in GBK does no harm.
    """
    encoding = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), "utf-8-sig")
    return data.decode(encoding, errors="ignore")
