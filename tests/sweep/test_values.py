from __future__ import annotations

from typing import Any

import pytest

from archprof.errors import UsageError
from archprof.sweep.values import check, parse


@pytest.mark.parametrize(
    ("text", "name", "values"),
    [
        ("width=0.25,0.5", "width", [0.25, 0.5]),
        ("imgsz=320:640:160", "imgsz", [320, 480, 640]),
        ("imgsz=320:639:160", "imgsz", [320, 480]),
        ("batch=1:3", "batch", [1, 2, 3]),
        ("width=0.1:0.3:0.1", "width", [0.1, 0.2, 0.3]),
        ("kpt_shape=[17,3],[21,3]", "kpt_shape", [[17, 3], [21, 3]]),
        ("imgsz=384x640,640", "imgsz", ["384x640", 640]),
        ("row  7   args[0]=64,128", "row 7 args[0]", [64, 128]),
        ("end2end=true,false", "end2end", [True, False]),
    ],
)
def test_an_axis(text: str, name: str, values: list[Any]) -> None:
    assert parse(text) == (name, values)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("width", "expected NAME=VALUES"),
        ("=1,2", "expected NAME=VALUES"),
        ("imgsz=640:320:64", "not a range"),
        ("imgsz=320:640:0", "not a range"),
        ("imgsz=a:b", "not a range"),
        ("imgsz=1:1e99999999:1", "not a range"),
        ("imgsz=1:1000000", "1,000,000 values"),
        ("nc=[1,2", "not a YAML literal"),
    ],
)
def test_what_is_no_axis(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse(text)


def test_equal_values_are_taken_once_and_one_value_varies_nothing() -> None:
    assert check("nc", [1, 80, 1]) == [1, 80]
    assert check("end2end", [True, 1]) == [True, 1]
    with pytest.raises(UsageError, match="nc varies nothing: it has only 80"):
        check("nc", [80, 80])
