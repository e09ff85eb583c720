"""``nets.py:make?depth=3&width=64`` -> what makes the model, and what it is called with."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archprof.errors import UsageError
from archprof.sources import settings
from archprof.sources.files import is_file

if TYPE_CHECKING:
    from collections.abc import Mapping

_ARGUMENTS = re.compile(r"(?P<reference>[^?]+)\?(?P<arguments>[A-Za-z_]\w*=.*)", re.DOTALL)


def split(text: str) -> tuple[str, Mapping[str, Any]] | None:
    """A reference and the values that it sets; None for a reference without any, and for a file of just that name.

    Raises:
        UsageError: Where a value is not a YAML literal.
    """
    match = _ARGUMENTS.fullmatch(text)
    if match is None or is_file(Path(text)):
        return None
    try:
        return match["reference"], settings.parse(match["arguments"].split("&"))
    except UsageError as error:
        hint = "for example nets.py:make?depth=3&width=64, in quotes"
        raise UsageError(f"{text!r}: {error.message.removeprefix('--set ')}", hint=hint) from None
