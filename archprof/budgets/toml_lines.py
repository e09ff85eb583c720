"""On which line of a TOML file a key stands: tomllib does not say, and a message should."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?")
_KEY = re.compile(r"""\s*(?P<key>(?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")


class Lines:
    """The lines of a file's keys, by the key's path: ``budgets[2].flops.max``.

    It reads headers and keys as they are commonly laid out. What stands inside a line (an inline table's key) has
    the line of what it stands in, and so has what it does not find. A table has the line of the first thing in it.
    """

    def __init__(self, text: str) -> None:
        self._line_of_key: dict[str, int] = {}
        for key_path, line in _key_paths(text):
            for end in re.finditer(r"[.\[]|$", key_path):
                self._line_of_key.setdefault(key_path[: end.start()], line)

    def of(self, key_path: str) -> int | None:
        """The line of a key, or of the nearest thing around it; None where nothing of it was found."""
        while key_path:
            if key_path in self._line_of_key:
                return self._line_of_key[key_path]
            key_path = key_path.rpartition("[" if key_path.endswith("]") else ".")[0]
        return None


def _key_paths(text: str) -> Iterator[tuple[str, int]]:
    count: dict[str, int] = {}
    prefix = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.fullmatch(line):
            name = _name(header[2])
            if header[1] == "[[":
                index = count[name] = count.get(name, -1) + 1
                prefix = f"{name}[{index}]"
            else:
                head, _, rest = name.partition(".")
                prefix = f"{head}[{count[head]}].{rest}" if head in count and rest else name
            yield prefix, number
        elif key := _KEY.match(line):
            yield f"{prefix}.{_name(key['key'])}".lstrip("."), number


def _name(text: str) -> str:
    """A dotted key without quotes, and without the table that pyproject.toml keeps it in."""
    parts = [part.strip("\"'") for part in _PART.findall(text)]
    return ".".join(parts[2:] if parts[:2] == ["tool", "archprof"] else parts)
