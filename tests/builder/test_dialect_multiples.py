"""The dialect: depth_multiple, width_multiple and the scales are taken as the installed Ultralytics takes them."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import pytest
import yaml

from archprof.builder.load import build
from archprof.errors import VariantError
from archprof.sources.yaml_file import load

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """\
nc: 2
{keys}
backbone:
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, {repeats}, C2f, [32, True]]
head:
  - [-1, 1, Classify, [nc]]
"""

VALUES = ["[1]", "[]", "'1'", "abc", "''", "true", "null", "{a: 1}", ".nan", "0.5", "2", "-1", "0", "false"]


def built(folder: Path, keys: str, repeats: int) -> tuple[int | None, tuple[str, ...]]:
    """The parameters that archprof builds, None where it refuses line 2 of the file; and its remarks."""
    path = folder / "net.yaml"
    path.write_text(TEXT.format(keys=keys, repeats=repeats), encoding="utf-8")
    try:
        model = build(load(path))
    except VariantError as error:
        return (None, ()) if error.line == 2 else (-1, ())
    return sum(parameter.numel() for parameter in model.module.parameters()), model.remarks


def built_by_ultralytics(keys: str, repeats: int) -> int | None:
    """The parameters that Ultralytics builds; None where it raises."""
    from ultralytics.nn.tasks import parse_model

    document = yaml.safe_load(TEXT.format(keys=keys, repeats=repeats))
    try:
        model, _ = parse_model(copy.deepcopy(document), 3, verbose=False)
    except Exception:  # whatever Python and torch make of it
        return None
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("repeats", [1, 3])
@pytest.mark.parametrize("value", VALUES)
def test_depth_multiple(tmp_path: Path, value: str, repeats: int) -> None:
    keys = f"depth_multiple: {value}"
    parameters, remarks = built(tmp_path, keys, repeats)
    assert parameters == built_by_ultralytics(keys, repeats)
    is_number = type(yaml.safe_load(value)) in (int, float, bool) and value != ".nan"
    assert any("ignores `depth_multiple" in remark for remark in remarks) is (parameters is not None and not is_number)


NO_CHANNELS = ("0", "-1", "false")
"""Values that leave no channels, of which Ultralytics builds convolutions."""


@pytest.mark.parametrize("value", VALUES)
def test_width_multiple(tmp_path: Path, value: str) -> None:
    keys = f"width_multiple: {value}"
    parameters, _ = built(tmp_path, keys, 1)
    assert parameters == (None if value in NO_CHANNELS else built_by_ultralytics(keys, 1))


@pytest.mark.parametrize("index", range(3))
@pytest.mark.parametrize("value", VALUES)
def test_an_item_of_a_scale(tmp_path: Path, value: str, index: int) -> None:
    items = ["0.33", "0.25", "1024"]
    keys = f"scales: {{n: [{', '.join([*items[:index], value, *items[index + 1 :]])}]}}"
    expected = built_by_ultralytics(keys, 3)
    if index > 0 and value in (*NO_CHANNELS, ".nan"):  # Python takes the channels where it is to take them or nan
        expected = None
    parameters, _ = built(tmp_path, keys, 3)
    assert parameters == expected


@pytest.mark.parametrize("value", ["'0.33'", "1e-1", "[0.33]", "abc"])
def test_a_number_that_is_text_is_answered_with_the_number(tmp_path: Path, value: str) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(TEXT.format(keys=f"width_multiple: {value}", repeats=1), encoding="utf-8")
    with pytest.raises(VariantError, match="width_multiple must be a number above 0, not ") as caught:
        load(path)
    hints = {"'0.33'": "write 0.33: '0.33' is text in YAML", "1e-1": "write 0.1: '1e-1' is text in YAML"}
    assert caught.value.hint == hints.get(value)


@pytest.mark.parametrize("name", ["yolov8x6", "yolov5n6"])
def test_the_old_names_of_p6_models(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from pathlib import Path

    from ultralytics.nn.tasks import yaml_model_load

    from archprof.sources.reference import resolve

    monkeypatch.chdir(tmp_path)
    spec = resolve(f"{name}.yaml")
    theirs = yaml_model_load(f"{name}.yaml")
    # It gives the number of rows, and the scale, of what it has loaded.
    assert (len(spec.rows), spec.scale) == (len(theirs["backbone"] + theirs["head"]), theirs["scale"])
    assert any(f"reads {name}.yaml as {name[:-1]}-p6.yaml" in remark for remark in build(spec).remarks)

    (tmp_path / f"{name}.yaml").write_text(TEXT.format(keys="", repeats=1), encoding="utf-8")
    mine, theirs = resolve(f"{name}.yaml"), yaml_model_load(f"{name}.yaml")
    assert mine.path == Path(f"{name}.yaml")
    assert len(mine.rows) == 3 < len(theirs["backbone"] + theirs["head"])
    assert any("loads its own" in remark and "not this file" in remark for remark in build(mine).remarks)
