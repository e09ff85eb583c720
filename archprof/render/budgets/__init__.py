"""A check -> text, in the formats of people, of tools and of the places where code is reviewed. One file a format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archprof.render.budgets import concise, github, gitlab, json, junit, markdown, sarif, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from archprof.analyse.judged import Check
    from archprof.render import View


@dataclass(frozen=True, slots=True)
class Format:
    """A format: the endings of its files, and what writes it."""

    suffixes: tuple[str, ...]
    render: Callable[[Check, View], str]


FORMATS: Mapping[str, Format] = {
    "text": Format((".txt",), text.render),
    "concise": Format((), concise.render),
    "json": Format((".json",), json.render),
    "markdown": Format((".md", ".markdown"), markdown.render),
    "github": Format((), github.render),
    "junit": Format((".xml",), junit.render),
    "sarif": Format((".sarif",), sarif.render),
    "gitlab": Format((), gitlab.render),
}
"""Every format by its name."""
