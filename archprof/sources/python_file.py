"""What a Python file defines, read without running it: for messages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

READ = 1 << 20
"""How many bytes of a file are looked at."""

_DEFINED = re.compile(r"^(?:def|class) ([A-Za-z]\w*)", re.MULTILINE)
_MAKES = re.compile(r"(?:make|build|create|get|model|net)", re.IGNORECASE)


def example(path: Path) -> str:
    """``nets.py:make``: a file with one of its functions or classes, one that sounds like a model's if there is any."""
    try:
        with path.open("rb") as file:
            text = file.read(READ).decode("utf-8", errors="replace")
    except OSError:
        text = ""
    names = _DEFINED.findall(text)
    return f"{path}:{next((name for name in names if _MAKES.search(name)), names[0] if names else 'make')}"
