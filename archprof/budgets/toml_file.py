"""A TOML file of the user's -> its values, and its text for whoever names lines of it."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from archprof.errors import ArchprofError

_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def load(
    path: Path, error: type[ArchprofError], parse_float: Callable[[str], Any] = float
) -> tuple[dict[str, Any], str]:
    """What a file says.

    Args:
        path: The file.
        error: What is raised where something is wrong with it.
        parse_float: Makes a number of a fraction's text.

    Raises:
        ArchprofError: Where it cannot be read, or is no TOML.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        return tomllib.loads(text, parse_float=parse_float), text
    except OSError as failure:
        raise error(f"cannot be read: {failure.strerror}", path=path) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as failure:
        message, line, column = str(failure), None, None
        if found := _PLACE.search(message):  # Python 3.14 has attributes for it
            message = message[: found.start()]
            line, column = map(int, found.groups()) if found[1] else (max(len(text.splitlines()), 1), None)
        raise error(f"not valid TOML: {message}", path=path, line=line, column=column) from None
