"""Every convention by name: what its figures count, and its rule in one line. How each is computed is in `count`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archprof.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Convention:
    """A rule.

    Attributes:
        name: What ``--convention`` calls it.
        unit: "GFLOPs" or "GMACs": what its figures count, whatever the tool calls them.
        rule: The rule in one line.
        module: The file here that has it.
        tool: Whether it is another tool's.
        reporter: Who reports figures by it, where that is not the tool of its name; the names of distributions in
            braces stand for their versions.
        by_operation: Whether it gives each operation something by itself, whatever runs beside it.
    """

    name: str
    unit: str
    rule: str
    module: str
    tool: bool = True
    reporter: str = ""
    by_operation: bool = False


DEFAULT = "flops"
"""The convention of every figure that names no other."""

UNASKED = ("thop-2.0",)
"""Those whose figures every profile has: what the authors of most YAMLs published theirs by."""

TODAY = "ultralytics"
"""The one by which the authors of YAMLs publish theirs now: the profile of a YAML has its figure too."""

CONVENTIONS = {
    convention.name: convention
    for convention in (
        Convention("flops", "GFLOPs", "2 × multiply-accumulates", "flops", tool=False, by_operation=True),
        Convention("macs", "GMACs", "multiply-accumulates", "macs", tool=False, by_operation=True),
        Convention(
            "all",
            "GFLOPs",
            "2 × multiply-accumulates, and elementwise FLOPs",
            "all",
            tool=False,
            by_operation=True,
        ),
        Convention("fvcore", "GMACs", "what fvcore gives the functions that it has handles for", "fvcore"),
        Convention("torchprofile", "GMACs", "what torchprofile gives the functions that it knows", "torchprofile"),
        Convention(
            "torchvision",
            "GMACs",
            "convolutions, matrix products, attention; no bias",
            "torchvision",
            by_operation=True,
        ),
        Convention(
            "thop-2.0",
            "GFLOPs",
            "2 × thop's operations, at the stride's size, times the ratio of areas",
            "thop_2_0",
            reporter="Ultralytics 2024–25 (thop 2.0)",
        ),
        Convention(
            "ultralytics",
            "GFLOPs",
            "2 × the installed thop's operations, as the installed Ultralytics has them",
            "ultralytics",
            reporter="Ultralytics {ultralytics} (thop {ultralytics-thop})",
        ),
    )
}
"""Every convention, by its name."""


def find_convention(name: str) -> Convention:
    """The convention of that name.

    Raises:
        UsageError: Where there is none.
    """
    if convention := CONVENTIONS.get(name):
        return convention
    hint = did_you_mean(name, CONVENTIONS) or f"conventions: {', '.join(CONVENTIONS)}"
    raise UsageError(f"no convention {name!r}", hint=hint)


def reporter_of(name: str, packages: Mapping[str, str]) -> str:
    """Who reports figures by a convention; empty where that is the tool of its name, or it is no convention.

    Args:
        name: The convention.
        packages: Distributions and their versions, where the figure was made.
    """
    reporter = CONVENTIONS[name].reporter if name in CONVENTIONS else ""
    for package, version in packages.items():
        reporter = reporter.replace(f"{{{package}}}", version)
    return reporter
