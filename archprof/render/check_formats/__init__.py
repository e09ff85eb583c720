"""A check -> text, in the formats of people, of tools and of the places where code is reviewed. One file a format."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archprof.records.check_result import Check
    from archprof.render import View


@dataclass(frozen=True, slots=True)
class Format:
    """A format: the file here that writes it, imported when it is used, and the endings of its own files."""

    module: str
    suffixes: tuple[str, ...] = ()

    def render(self, check: Check, view: View) -> str:
        """The check in this format."""
        text: str = import_module(f"{__name__}.{self.module}").render(check, view)
        return text


FORMATS: Mapping[str, Format] = {
    one.module: one
    for one in (
        Format("text", (".txt",)),
        Format("concise"),
        Format("json", (".json",)),
        Format("markdown", (".md", ".markdown")),
        Format("github"),
        Format("junit", (".xml",)),
        Format("sarif", (".sarif",)),
        Format("gitlab"),
    )
}
"""Every format by its name."""
