from __future__ import annotations

from typing import TYPE_CHECKING

import jsonschema
import pytest

from archprof.errors import PlanFileError
from archprof.sweep.plan_file import json_schema, read

if TYPE_CHECKING:
    from pathlib import Path

PLAN = """\
reference = "yolo11n.yaml"
where = "flops < 8 G"
sample = 20
[vary]
width = [0.25, 0.5]
imgsz = "320:640:160"
"row 7 args[0]" = [64, 128]
"""


def test_a_plan(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(PLAN, encoding="utf-8")
    plan = read(path)
    assert plan.axes == {"width": [0.25, 0.5], "imgsz": [320, 480, 640], "row 7 args[0]": [64, 128]}
    assert plan.origins == {
        "reference": (path, 1),
        "vary.width": (path, 5),
        "vary.imgsz": (path, 6),
        "vary.row 7 args[0]": (path, 7),
        "where[0]": (path, 2),
    }
    assert (plan.reference, plan.where, plan.sample, plan.seed) == ("yolo11n.yaml", ["flops < 8 G"], 20, 0)


def test_the_schema_takes_it() -> None:
    import tomllib

    jsonschema.validate(tomllib.loads(PLAN), json_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"vary": {"nc": [1, 2]}, "sampl": 3}, json_schema())


@pytest.mark.parametrize(
    ("before", "after", "line", "message"),
    [
        ("sample = 20", "samples = 20", 3, "did you mean sample?"),
        ("sample = 20", "sample = -1", 3, "sample must be a whole number from 1 up, not -1"),
        ('"320:640:160"', '"640:320"', 6, "not a range"),
        ('"320:640:160"', "7", 6, "imgsz must be a list or a text"),
        ('where = "flops < 8 G"', "where = [1]", 2, "where must be text or a list of texts"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, before: str, after: str, line: int, message: str) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(PLAN.replace(before, after), encoding="utf-8")
    with pytest.raises(PlanFileError) as caught:
        read(path)
    assert caught.value.line == line
    assert message in str(caught.value)


def test_a_plan_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(PlanFileError, match="cannot be read"):
        read(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("vary = [", encoding="utf-8")
    with pytest.raises(PlanFileError, match="not valid TOML"):
        read(tmp_path / "bad.toml")
