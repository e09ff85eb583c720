"""For a terminal: what is wrong first and at length, then a line for each case that holds."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from rich.cells import cell_len

from archprof.render.check_formats import finding_text, findings
from archprof.render.layout import lay_out, painter
from archprof.render.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archprof.records.check_result import Check, Judged, Judgement
    from archprof.render import View
    from archprof.render.layout import Style

_LABELS = {"failed": "OVER BUDGET", "warning": "warning"}

_HOLDING = (
    Column("state", ""),
    Column("variant", "", shrinks=20),
    Column("settings", "", shrinks=10),
    Column("says", "", shrinks=20),
)


def render(check: Check, view: View) -> str:
    """Blocks for what is wrong, and a table of the rest."""
    paint = painter(view.color)
    cases = findings.cases(check)
    blocks = ["\n".join(_error(title, case, view.width, paint)) for title, case in findings.not_judged(check)]
    blocks += ["\n".join(_block(case, check, view.width, paint)) for case in cases if case.state in _LABELS]
    rest = [case for case in cases if case.state not in _LABELS]
    signs = ["?" if case.state == "unclear" else "ok" for case in rest]
    holding = [
        (sign, case.variant, finding_text.settings(case), finding_text.tightest(case))
        for sign, case in zip(signs, rest, strict=True)
    ]
    if holding:
        table = Table(_HOLDING, tuple(holding), label="variant")
        blocks.append("\n".join(lay_out(table, view.width, paint)[1:]))
    return "\n\n".join(blocks) + "\n"


def _error(title: str, case: Judged, width: int, paint: Style) -> Iterator[str]:
    yield from _heading(title, paint("NOT JUDGED", "bad"), width, paint)
    for line in (case.error or "").splitlines():
        yield from _wrapped(line, width, "  ")
    if case.error_line is not None:
        yield f"  {case.error_file}:{case.error_line}"


def _block(case: Judged, check: Check, width: int, paint: Style) -> Iterator[str]:
    state = _LABELS[case.state]
    yield from _heading(finding_text.title(case), paint(state, "bad") if state.isupper() else state, width, paint)
    for one in findings.beyond(case):
        yield from _finding(one, case, check, width, paint)
    for one in case.judgements:
        if one.state == "unclear":
            yield from _wrapped(finding_text.cannot_tell(one), width, "  ")


def _finding(one: Judgement, case: Judged, check: Check, width: int, paint: Style) -> Iterator[str]:
    yield f"  {one.metric}{' (only a warning)' if one.state == 'warning' else ''}"
    pairs = [
        ("expected", finding_text.expected(one)),
        ("found", finding_text.found(one)),
        ("beyond", finding_text.excess(one)),
        ("because", finding_text.attribution(one, case)),
        ("says", one.message),
        ("accept", finding_text.accept(one, case, check)),
    ]
    for name, said in pairs:
        if said:
            lines = list(_wrapped(said, width, " " * 13))
            yield f"    {paint(f'{name:8}', 'label')} {lines[0].lstrip()}"
            yield from lines[1:]


def _heading(title: str, state: str, width: int, paint: Style) -> Iterator[str]:
    """What a block is about, and how it stands; in two lines where one does not hold both."""
    if cell_len(title) + len("   OVER BUDGET") <= width:
        yield f"{paint(title, 'name')}   {state}"
    else:
        yield from (paint(line, "name") for line in _wrapped(title, width, ""))
        yield f"  {state}"


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    options = {"initial_indent": indent, "subsequent_indent": indent, "break_long_words": False}
    return textwrap.wrap(text, max(width, 40), break_on_hyphens=False, **options)  # type: ignore[arg-type]
