from __future__ import annotations

from itertools import pairwise
from string import ascii_lowercase
from typing import TYPE_CHECKING

import pytest

from archprof.errors import VariantError
from archprof.sources.document import Document

if TYPE_CHECKING:
    from pathlib import Path


def plain(text: str) -> object:
    document = Document(text)
    return document.plain(document.root)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[1, -2, 0x10, 1.5, .inf]", [1, -2, 16, 1.5, float("inf")]),
        ("[null, ~, true, no]", [None, None, True, False]),
        ("[None, nn.SiLU, 'nearest']", ["None", "nn.SiLU", "nearest"]),
        ("2020-01-02", "2020-01-02"),  # a date is text
        ("{a: {b: [c]}}", {"a": {"b": ["c"]}}),
        ("[&x [1], *x]", [[1], [1]]),
    ],
)
def test_values_are_plain_python(text: str, value: object) -> None:
    assert plain(text) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("# nothing but a comment\n", "the file is empty"),
        ("a: [1, 2", "1:4: not valid YAML: this [ is not closed"),
        ("a:\n\t- b", "2:1: not valid YAML: line 2 is indented with a tab; YAML takes spaces only"),
        ("a: 1\n---\nb: 2", "2:1: not valid YAML: but found another document"),
        ("a: b\nc: *d", "2:4: not valid YAML: there is no anchor for this alias above it"),
        ("a: 1\n b: 2", "2:2: not valid YAML: line 2 is indented by 1 space, and the key above it by no space"),
        ("a\0: [", "a binary file, not YAML"),
        ("\0", "a binary file, not YAML"),
        ("\0words", "a binary file, not YAML"),
        ("a: 1\nb: 2\na: 3", "3:1: duplicate key 'a' in a mapping, first on line 1"),
        ("<<: 1", "1:5: what << merges must be a mapping (key: value), not 1"),
        ("a0: &0 {}\n" + "".join(f"a{n}: &{n} {{<<: *{n - 1}}}\n" for n in range(1, 60)), "1:5: more than 40 merges"),
        ("{[a]: 2}", "1:2: a key of a mapping must be a name or a number, not a list"),
        ("- !!python/object/apply:os.system [ls]", "1:3: tag 'tag:yaml.org,2002:python/object/apply:os.system' is"),
        ("- !mine x", "1:3: tag '!mine' is not allowed"),
        ("!!int x", "1:1: x is not a value"),
        ("9" * 5000, "1:1: 999999999"),
    ],
)
def test_what_is_not_a_document_is_refused_where_it_stands(text: str, message: str) -> None:
    with pytest.raises(VariantError) as caught:
        plain(text)
    assert str(caught.value).startswith(message)


BOMB = "a: &a [x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in pairwise(ascii_lowercase)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(BOMB, "aliases that unfold without end", id="aliases"),
        pytest.param("&a [*a]", "nested deeper than 40 levels", id="a list that holds itself"),
        # Newer versions of libyaml have a bound of their own.
        pytest.param("[" * 500_000, "more than 40 levels of nesting|exceeded maximum nesting", id="brackets"),
        pytest.param("{a: " * 200_000, "more than 40 levels of nesting", id="braces"),
        pytest.param("- " * 500_000, "more than 40 levels of nesting", id="dashes"),
        pytest.param("[" + "a, " * 300_000 + "]", "more than 120,000 values", id="items"),
        pytest.param("{" + "a: b, " * 150_000 + "}", "more than 120,000 values", id="keys"),
        pytest.param("{" + "? [a] : b, " * 90_000 + "}", "more than 120,000 values", id="lists as keys"),
        pytest.param(":" * 1_000_000, "a value with a colon and a space in it needs quotes", id="colons"),
        pytest.param("9" * 1_000_000, "is not a number to compute with", id="digits"),
        pytest.param("1" + ":59" * 300_000, "is not a number to compute with", id="sexagesimal digits"),
    ],
)
@pytest.mark.timeout(60)  # each takes about a second; unfolded, the aliases would take years
def test_hostile_text_is_refused_before_it_unfolds(text: str, message: str) -> None:
    with pytest.raises(VariantError, match=message):
        plain(text)


def test_a_large_harmless_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "comments.yaml"
    path.write_text("#\n" * 500_000 + "a: 1")
    document = Document.read(path)
    assert document.plain(document.root) == {"a": 1}


def test_the_mark_that_some_editors_put_first_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "marked.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1")
    assert set(Document.read(path).mapping(Document.read(path).root, "it")) == {"a"}
