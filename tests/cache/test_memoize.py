"""What was found out once is read again, as it was, while what it was found out from is the same."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from archprof import cache
from archprof.cache.memoize import remember
from archprof.errors import VariantError
from archprof.sources.yaml_file import load

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def looked(folder: Path) -> list[str]:
    return []


def looker(looked: list[str], value: object) -> Callable[[], list[object]]:
    def look() -> list[object]:
        looked.append("once more")
        return [value]

    return look


@pytest.mark.parametrize("value", [1, 1.0, True, None, "text", [1, [2]], float("inf")])
def test_the_same_source_is_looked_at_once_and_gives_the_same(looked: list[str], value: object) -> None:
    first = remember("test", b"source", list, looker(looked, value))
    again = remember("test", b"source", list, looker(looked, "another"))

    assert first == again == [value]
    assert type(again[0]) is type(value)
    assert len(looked) == 1


@pytest.mark.parametrize(("what", "source"), [("other", b"source"), ("test", b"other")])
def test_another_source_or_thing_is_looked_at(looked: list[str], what: str, source: bytes) -> None:
    remember("test", b"source", list, looker(looked, 1))

    assert remember(what, source, list, looker(looked, 2)) == [2]


def test_what_does_not_come_back_is_looked_at_each_time(looked: list[str]) -> None:
    for _ in range(2):
        assert remember("test", b"source", list, looker(looked, 2**70)) == [2**70]

    assert len(looked) == 2


def test_nothing_is_kept_where_that_is_not_wanted(looked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "enabled", False)
    for _ in range(2):
        remember("test", b"source", list, looker(looked, 1))

    assert len(looked) == 2


def test_a_kept_variant_is_the_one_that_was_parsed_to_the_type(folder: Path) -> None:
    text = "scales: {n: [1, 0.5, 1024], x: [1.0, 1, .inf]}\nbackbone:\n  - [-1, 1, Conv, [8, 3.0, None, [1, true]]]\n"
    Path("kept.yaml").write_text(text, encoding="utf-8")
    fresh, kept = load("kept.yaml"), load("kept.yaml")

    assert repr(kept) == repr(fresh)
    assert type(kept.factors.max_channels) is type(fresh.factors.max_channels) is int


def test_a_wrong_file_is_wrong_each_time_with_its_own_path(folder: Path) -> None:
    for name in ("one.yaml", "two.yaml", "one.yaml"):
        Path(name).write_text("backbone:\n  - [1]\n", encoding="utf-8")
        with pytest.raises(VariantError, match=r"row 0 must be") as caught:
            load(name)
        assert str(caught.value).startswith(f"{name}:2:")
