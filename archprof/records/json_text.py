"""On which line of a JSON file a mistake is: msgspec counts bytes, and an editor counts lines."""

from __future__ import annotations

import re

_BYTE = re.compile(r" \(byte (\d+)\)$")


def mistake(text: bytes, error: Exception) -> tuple[str, int | None]:
    """What is wrong with a text that is no JSON, and its line, counted from 1; None where only the whole is wrong.

    Args:
        text: The file's content.
        error: What msgspec raised over it.
    """
    message = str(error)
    if found := _BYTE.search(message):
        return message[: found.start()], text.count(b"\n", 0, int(found[1])) + 1
    return message, None
