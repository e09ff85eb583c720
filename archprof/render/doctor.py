"""A diagnosis -> text: what is installed, then what was found, each with what to type."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import msgspec

from archprof import units
from archprof.render.layout import painter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from archprof.doctor import Diagnosis
    from archprof.render import View


def text(diagnosis: Diagnosis, view: View) -> str:
    """For a terminal."""
    style = painter(view.color)
    packages = [f"{name} {version or units.ABSENT}" for name, version in diagnosis.packages.items()]
    head = f"archprof {diagnosis.tool.version} · Python {diagnosis.python} · {diagnosis.platform}"
    lines = [
        *textwrap.wrap(head, view.width),
        *textwrap.wrap(" · ".join(packages), view.width, initial_indent="  ", subsequent_indent="  "),
        "",
    ]
    check = max(len(finding.check) for finding in diagnosis.findings)
    indent = " " * (len("broken  ") + check + 2)
    for finding in diagnosis.findings:
        first, *rest = textwrap.wrap(finding.says, max(view.width - len(indent), 20))
        state = style(f"{finding.state:<8}", "head" if finding.state == "ok" else "name")
        lines.append(f"{state}{finding.check:<{check + 2}}{first}")
        lines += [indent + line for line in rest]
        if finding.mend:
            lines.append(f"{indent}→ {finding.mend}")
    return "\n".join(lines) + "\n"


def as_json(diagnosis: Diagnosis, view: View) -> str:
    """All of it."""
    return msgspec.json.format(msgspec.json.encode(diagnosis), indent=2).decode() + "\n"


FORMATS: Mapping[str, Callable[[Diagnosis, View], str]] = {"text": text, "json": as_json}
