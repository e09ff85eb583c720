"""A text that is not YAML: which line it is, shown with a mark, and what to mend."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archprof.errors import VariantError
from archprof.sources.document import Document

ROW = "- [-1, 1, Conv, [16, 3, 2]]"
ITEM = "and the item of the list on line 3"
HEAD = f"nc: 2\nbackbone:\n  {ROW}\n"

# A text, what is wrong, and where: the line and the column of the mark.
MISTAKES = {
    "a row indented less": (
        f"{HEAD} {ROW}\n",
        "line 4 is indented by 1 space, and the item of the list on line 3 by 2",
        4,
        2,
    ),
    "a row indented more": (
        f"{HEAD}    {ROW}\n",
        "line 4 is indented by 4 spaces, and the item of the list on line 3",
        4,
        5,
    ),
    "a row without an indent in a list with one": (
        f"nc: 2\nbackbone:\n{ROW}\n {ROW}\n",
        f"line 4 is indented by 1 space, {ITEM} by no space",
        4,
        2,
    ),
    "a key indented": (
        f"{HEAD} head:\n  {ROW}\n",
        "line 4 is indented by 1 space, and the key on line 2 by no space",
        4,
        2,
    ),
    "a key indented below a value": (
        f"nc: 2\n  reg_max: 3\n{HEAD[6:]}",
        "line 2 is indented by 2 spaces, and the key above it by no space",
        2,
        3,
    ),
    "a tab": (f"{HEAD}\t{ROW}\n", "line 4 is indented with a tab; YAML takes spaces only", 4, 1),
    "a tab behind spaces": (f"{HEAD}  \t{ROW}\n", "line 4 is indented with a tab; YAML takes spaces only", 4, 3),
    "an open bracket": (
        f"nc: 2\nbackbone:\n  - [-1, 1, Conv, [16]\n  {ROW}\n",
        "this [ is not closed",
        3,
        5,
    ),
    "a bracket opened ten lines above": (
        "scales: [\n" + "n: 1\n" * 10,
        "this [ is not closed",
        1,
        9,
    ),
    "a bracket too many": (f"nc: 2\nbackbone:\n  {ROW}]\n", "a ] that closes nothing", 3, 30),
    "a quote": (f"activation: 'SiLU\n{HEAD}", "this ' is not closed", 1, 13),
    "double quotes": (f'activation: "SiLU\n{HEAD}', 'this " is not closed', 1, 13),
    "a comma": ("nc: 2\nbackbone:\n  - [-1, 1, Conv [16]]\n", "a comma is missing behind 'Conv'", 3, 17),
    "a colon": (f"nc 2\n{HEAD[6:]}", "a colon is missing behind 'nc'", 1, 3),
    "a colon behind head": (f"{HEAD}head\n  {ROW}\n", "a colon is missing behind 'head'", 4, 5),
    "a space behind a colon": (f"nc:2\n{HEAD[6:]}", "a space is missing behind the colon: nc: 2", 1, 4),
    "two colons": (f"nc: 2: 3\n{HEAD[6:]}", "a value with a colon and a space in it needs quotes", 1, 6),
    "no dashes": (
        f"nc: 2\nbackbone:\n  {ROW[2:]}\n  {ROW[2:]}\n",
        "a row of a list begins with a dash and a space: - [",
        3,
        3,
    ),
    "a sign": ("nc: @2\n", "a value that begins with @ needs quotes", 1, 5),
    "an alias": (
        "nc: *two\n",
        "there is no anchor for this alias above it; a value that begins with * needs quotes",
        1,
        5,
    ),
}


def refusal(text: str) -> VariantError:
    with pytest.raises(VariantError) as caught:
        Document(text)
    return caught.value


@pytest.mark.parametrize("name", MISTAKES)
def test_what_to_mend_and_where(name: str) -> None:
    text, message, line, column = MISTAKES[name]
    error = refusal(text)
    assert error.message.startswith(f"not valid YAML: {message}")
    assert (error.line, error.column) == (line, column)
    shown = [*text.split("\n"), ""][line - 1].replace("\t", " ")
    assert error.hint is not None
    source, mark = error.hint.split("\n")
    assert source == f"  {line} | {shown}"
    assert mark.index("^") == len(f"  {line} | ") + column - 1


def test_of_a_long_line_the_part_is_shown_that_is_wrong() -> None:
    error = refusal("nc: [" + "1, " * 100 + "2 [3]" + ", 4" * 100 + "]\n")
    assert error.hint is not None
    source, mark = error.hint.split("\n")
    assert len(source) <= len("  1 | ") + 100
    assert source[mark.index("^") - 1 :].startswith("2 [3]")


@given(st.text(alphabet="ab:[]{}-'\"#&*!|>%@\t\n ,?", max_size=60))
def test_any_text_is_yaml_or_has_a_message_with_its_place(text: str) -> None:
    refused: VariantError | None = None
    try:
        Document(text)
    except VariantError as error:
        refused = error
    assert refused is None or refused.message
    assert refused is None or refused.line is None or 1 <= refused.line <= text.count("\n") + 2
