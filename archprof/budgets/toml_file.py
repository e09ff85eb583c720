"""A TOML file of the user's -> its values, and its text for whoever names lines of it."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from archprof.errors import ArchprofError


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
        raise error(f"not valid TOML: {failure}", path=path) from None
