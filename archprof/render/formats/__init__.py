"""Every output format: a file here renders any report, and is registered below, which is all that a format takes."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from archprof.errors import UsageError, did_you_mean
from archprof.registry import Registry, load_deferred

if TYPE_CHECKING:
    from archprof.render import Page
    from archprof.render.report import Report


@dataclass(frozen=True, slots=True)
class Format:
    """A format.

    Attributes:
        module: The module with its ``render(report, page)``, imported when it is used.
        suffixes: The endings of its files.
        findings_only: Whether it holds findings and nothing else, so that only a command that judges offers it.
        binary: Whether it is bytes, which go to a file and never to a terminal.
    """

    module: str
    suffixes: tuple[str, ...] = ()
    findings_only: bool = False
    binary: bool = False

    def render(self, report: Report, page: Page) -> str | bytes:
        """The report in this format."""
        content: str | bytes = import_module(self.module).render(report, page)
        return content

    def text(self, report: Report, page: Page) -> str:
        """The same of a format that is text."""
        content = self.render(report, page)
        return content if isinstance(content, str) else content.decode()


FORMATS: Registry[Format] = Registry("format")
"""Every format by its name, in the order in which help lists them."""

with FORMATS.own():
    FORMATS.register("text", Format(f"{__name__}.text", (".txt",)))
    FORMATS.register("json", Format(f"{__name__}.json", (".json",)))
    FORMATS.register("markdown", Format(f"{__name__}.markdown", (".md", ".markdown")))
    FORMATS.register("csv", Format(f"{__name__}.csv", (".csv",)))
    FORMATS.register("latex", Format(f"{__name__}.latex", (".tex",)))
    FORMATS.register("html", Format(f"{__name__}.html", (".html",)))
    FORMATS.register("parquet", Format(f"{__name__}.parquet", (".parquet",), binary=True))
    FORMATS.register("fragment", Format(f"{__name__}.fragment"))
    FORMATS.register("concise", Format(f"{__name__}.concise", findings_only=True))
    FORMATS.register("github", Format(f"{__name__}.github", findings_only=True))
    FORMATS.register("gitlab", Format(f"{__name__}.gitlab", findings_only=True))
    FORMATS.register("junit", Format(f"{__name__}.junit", (".xml",), findings_only=True))
    FORMATS.register("sarif", Format(f"{__name__}.sarif", (".sarif",), findings_only=True))

DEFAULT = "text"
"""The format of stdout where nobody names another."""


def find_format(name: str, *, findings: bool = False) -> Format:
    """The format of that name, one of those that a command offers; a plugin's too.

    Args:
        name: Its name.
        findings: Whether the command's result has findings.

    Raises:
        UsageError: Where the command does not offer it.
    """
    if name not in FORMATS:
        load_deferred()
    formats = available(findings=findings)
    if name not in formats:
        hint = did_you_mean(name, formats) or f"available: {', '.join(formats)}"
        raise UsageError(f"this command has no format {name!r}", hint=hint)
    return formats[name]


def available(*, findings: bool = False) -> dict[str, Format]:
    """The formats that a command offers.

    Args:
        findings: Whether its result has findings.
    """
    return {name: value for name, value in FORMATS.items() if findings or not value.findings_only}
