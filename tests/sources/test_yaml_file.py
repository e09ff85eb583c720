from __future__ import annotations

import math
import os
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archprof.errors import VariantError
from archprof.sources.origins.stock import stock
from archprof.sources.spec import VariantSpec
from archprof.sources.yaml_file import family_of, load

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

GOOD = """\
nc: 80
scales:
  n: [0.33, 0.25, 1024]
  s: [0.5, 1, .inf]
backbone:
  # [from, repeats, module, args]
  - [-1, 1, Conv, [64, 3, 2]]
  - [-1, 3, C2f, [128, True]]

head:
  - - [0, -1]
    - 1
    - Detect
    - [nc, {a: [b]}]
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def made(text: str | bytes, name: str = "mine.yaml") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return made


def test_rows_scales_and_values_come_with_their_lines(write: Callable[..., Path]) -> None:
    spec = load(write(GOOD))

    first, second, last = spec.rows
    assert (first.index, first.sources, first.many, first.repeats) == (0, (-1,), False, 1)
    assert (first.module, first.arguments, first.line) == ("Conv", (64, 3, 2), 7)
    assert (second.repeats, second.arguments, second.line) == (3, (128, True), 8)
    assert (last.index, last.sources, last.many, last.line) == (2, (0, -1), True, 11)
    assert last.arguments == ("nc", {"a": ["b"]})
    assert spec.values == {"nc": 80}
    assert spec.value_lines == {"nc": 1, "scales": 2, "scales.n": 3, "scales.s": 4, "backbone": 5, "head": 10}
    assert (spec.name, spec.family) == ("mine", "ultralytics")
    assert spec.reference == str(spec.path)


def test_without_a_scale_the_first_is_assumed(write: Callable[..., Path]) -> None:
    spec = load(write(GOOD))
    assert (spec.scale, spec.scale_assumed) == ("n", True)
    assert tuple(getattr(spec.factors, name) for name in ("depth", "width", "max_channels")) == (0.33, 0.25, 1024)


def test_a_scale_that_is_asked_for_goes_before_the_one_in_the_name(write: Callable[..., Path]) -> None:
    path = write(GOOD, "yolo8n-mine.yaml")
    assert (load(path).scale, load(path).scale_assumed) == ("n", False)
    spec = load(path, scale="s")
    assert (spec.scale, spec.scale_assumed) == ("s", False)
    assert tuple(getattr(spec.factors, name) for name in ("depth", "width", "max_channels")) == (0.5, 1.0, math.inf)


def test_where_there_is_one_scale_nothing_is_assumed(write: Callable[..., Path]) -> None:
    spec = load(write(GOOD.replace("  s: [0.5, 1, .inf]\n", "")))
    assert (spec.scale, spec.scale_assumed) == ("n", False)


@pytest.mark.parametrize(
    ("top", "depth", "width"),
    [
        ("depth_multiple: 0.33\nwidth_multiple: 2\n", 0.33, 2.0),
        ("width_multiple: 0.5\n", 1.0, 0.5),
        ("", 1.0, 1.0),
        ("scales:\n", 1.0, 1.0),
        ("scales: None\n", 1.0, 1.0),  # text in YAML, and nothing for Ultralytics
    ],
)
def test_a_file_without_scales(write: Callable[..., Path], top: str, depth: float, width: float) -> None:
    spec = load(write(f"{top}backbone: [[-1, 1, Conv, [64]]]"))
    assert (spec.scale, spec.scale_assumed, spec.scales) == (None, False, {})
    assert tuple(getattr(spec.factors, name) for name in ("depth", "width", "max_channels")) == (depth, width, math.inf)


def test_a_scale_in_any_case(write: Callable[..., Path]) -> None:
    assert load(write(GOOD), scale="S").scale == "s"
    capital = write("scales: {N: [1, 2, 64], n: [1, 1, 64]}\nbackbone: [[-1, 1, Conv, [64]]]")
    assert (load(capital, scale="N").scale, load(capital, scale="n").scale) == ("N", "n")


def test_a_scale_that_the_name_asks_for_and_the_file_has_not(write: Callable[..., Path]) -> None:
    path = write("scales: {m: [0.5, 1.0, 512]}\nbackbone: [[-1, 1, Conv, [64]]]", "yolo11n-onlym.yaml")
    with pytest.raises(VariantError, match=r"the name 'yolo11n-onlym\.yaml' asks for scale 'n', which the") as caught:
        load(path)
    assert caught.value.hint == "available scales: m; choose one with --scale, or rename the file"
    assert load(path, scale="m").scale == "m"


def test_a_file_without_scales_keeps_the_size_in_its_name(write: Callable[..., Path]) -> None:
    spec = load(write("backbone: [[-1, 1, Conv, [64]]]", "yolo11m-mine.yaml"))
    assert (spec.scale, spec.size) == (None, "m")


def test_a_backbone_alone_is_a_variant(write: Callable[..., Path]) -> None:
    assert [row.module for row in load(write("backbone: [[-1, 1, Conv, [64]]]")).rows] == ["Conv"]


@pytest.mark.parametrize(
    ("stem", "family"),
    [
        ("yolov13", "yolov13"),
        ("yolov13l-mine", "yolov13"),
        ("yolov13-DynamicConv", "yolov13"),
        ("yolov130", "ultralytics"),
        ("my-yolov13", "ultralytics"),
        ("yolov8", "ultralytics"),
    ],
)
def test_the_family_is_told_from_the_name(stem: str, family: str) -> None:
    assert family_of(stem) == family


def test_the_family_key_goes_first(write: Callable[..., Path]) -> None:
    text = "family: mine\nbackbone: [[-1, 1, Conv, [64]]]"
    assert load(write(text, "yolov13.yaml"), family="other").family == "mine"


ROW = "[-1, 1, Conv, [64]]"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "mine.yaml: the file is empty"),
        (b"\x7fELF\0\1\2", "mine.yaml: a binary file, not YAML"),
        (
            b"a: 1\nb: \xff\xfe",
            "mine.yaml:1:1: no backbone: among the file's keys\na variant lists its rows under backbone: and head:",
        ),
        ("backbone: [\n", "mine.yaml:1:11: not valid YAML: this [ is not closed\n  1 | backbone: [\n    |           ^"),
        (f"- {ROW}", "mine.yaml:1:1: a variant must be a mapping (key: value), not a list"),
        ("words", "mine.yaml:1:1: a variant must be a mapping (key: value), not 'words'"),
        (
            "nc: 3",
            "mine.yaml:1:1: no backbone: among the file's keys\na variant lists its rows under backbone: and head:",
        ),
        (f"bakbone: [{ROW}]", "mine.yaml:1:1: no backbone: among the file's keys\ndid you mean bakbone?"),
        (f"backbone: [{ROW}]\nheads: [{ROW}]", "mine.yaml:2:1: 'heads' is not read; did you mean head?"),
        ("backbone: []", "mine.yaml:1:11: backbone has no rows"),
        ("backbone:", "mine.yaml:1:10: backbone must be a list, not nothing"),
        (f"backbone: [{ROW}]\nhead: 3", "mine.yaml:2:7: head must be a list, not 3"),
        (f"backbone:\n  - {ROW}\n  - Conv", "mine.yaml:3:5: row 1 must be a list, not 'Conv'"),
        (
            "backbone:\n  - [-1, 1, Conv]",
            "mine.yaml:2:5: row 0 must be [from, repeats, module, arguments], not 3 items",
        ),
        (
            "backbone: [[a, 1, Conv, [64]]]",
            "mine.yaml:1:13: row 0: from must be a row number or a list of them, not 'a'",
        ),
        (
            "backbone: [[[], 1, Conv, [64]]]",
            "mine.yaml:1:13: row 0: from must be a row number or a list of them, not a list",
        ),
        (
            "backbone: [[true, 1, Conv, [64]]]",
            "mine.yaml:1:13: row 0: from must be a row number or a list of them, not true",
        ),
        ("backbone: [[-1, two, Conv, []]]", "mine.yaml:1:17: row 0: repeats must be a whole number, not 'two'"),
        ("backbone: [[-1, 0.5, Conv, []]]", "mine.yaml:1:17: row 0: repeats must be a whole number, not 0.5"),
        ("backbone: [[-1, 1, 3, []]]", "mine.yaml:1:20: row 0: module must be the name of a block, not 3"),
        ("backbone: [[-1, 1, Conv, 64]]", "mine.yaml:1:26: row 0: arguments must be a list, not 64"),
        (f"backbone: [{ROW}]\nnc: 1\nnc: 2", "mine.yaml:3:1: duplicate key 'nc' in a variant, first on line 2"),
        (f"backbone: [{ROW}]\nnc: many", "mine.yaml:2:5: nc must be a whole number from 1 up, not 'many'"),
        (
            f"backbone: [{ROW}]\nfamily: 17",
            "mine.yaml:2:9: family must be text, not 17",
        ),
        (f"backbone: [{ROW}]\nwidth_multiple: -1", "mine.yaml:2:17: width_multiple must be a number above 0, not -1"),
        (f"backbone: [{ROW}]\nscales: [n]", "mine.yaml:2:9: scales must be a mapping (key: value), not a list"),
        (
            f"backbone: [{ROW}]\nscales: {{n: [1, 1]}}",
            "mine.yaml:2:13: scale 'n' must be [depth, width, max_channels], three numbers, not 2 items",
        ),
        (
            f"backbone: [{ROW}]\nscales: {{n: [1, 0, 1024]}}",
            "mine.yaml:2:17: scale 'n': width must be a number above 0, not 0",
        ),
        (f"backbone:\n{f'  - {ROW}' + chr(10)}" + f"  - {ROW}\n" * 10_000, "mine.yaml:10002:5: more than 10,000 rows"),
    ],
)
def test_what_is_not_a_variant_is_refused_where_it_is_wrong(
    write: Callable[..., Path], text: str | bytes, message: str
) -> None:
    path = write(text)
    with pytest.raises(VariantError) as caught:
        load(path)
    assert str(caught.value).removeprefix(f"{path.parent}{os.sep}") == message


def test_a_scale_that_is_not_there(write: Callable[..., Path]) -> None:
    with pytest.raises(VariantError, match=r"mine\.yaml:2: no scale 'q'; available scales: n, s$"):
        load(write(GOOD), scale="q")
    with pytest.raises(VariantError, match="no scale 'n'; the file has no scales"):
        load(write("backbone: [[-1, 1, Conv, [64]]]"), scale="n")


def test_what_cannot_be_read(tmp_path: Path, locked: Callable[[Path], AbstractContextManager[None]]) -> None:
    with pytest.raises(VariantError, match="a directory, not a YAML file"):
        load(tmp_path)
    with pytest.raises(VariantError, match="cannot be read: No such file"):
        load(tmp_path / "gone.yaml")
    folder = tmp_path / "private"
    folder.mkdir()
    (folder / "mine.yaml").write_text(GOOD)
    with locked(folder), pytest.raises(VariantError, match="cannot be read: Permission denied"):
        load(folder / "mine.yaml")
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    with pytest.raises(VariantError, match="not a regular file"):
        load(pipe)


def test_a_large_file_is_refused_unread(write: Callable[..., Path]) -> None:
    with pytest.raises(VariantError, match="larger than 1,048,576 bytes"):
        load(write("#" * (1 << 20) + "\n"))


def test_no_text_is_evaluated(write: Callable[..., Path], tmp_path: Path) -> None:
    wanted = f"__import__('pathlib').Path({str(tmp_path / 'made')!r}).touch()"
    spec = load(write(yaml.safe_dump({"activation": wanted, "backbone": [[-1, 1, wanted, [wanted]]]})))
    assert spec.values["activation"] == spec.rows[0].module == spec.rows[0].arguments[0] == wanted
    assert not (tmp_path / "made").exists()


# Pieces of YAML and of variants, so that more than the first character gets read.
WORDS = """backbone: head: scales: nc: [-1,1,Conv,[64]] [ ] { } , n -1 &a *a !!int ' " | > # --- ? % @ << 1e9 ~"""
PIECES = st.sampled_from([*WORDS.split(), "\n", "  - ", ": ", "\t", "\ufeff"])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.one_of(st.text(), st.lists(PIECES, max_size=40).map("".join), st.binary()))
def test_any_text_is_a_variant_or_an_error_of_ours(write: Callable[..., Path], text: str | bytes) -> None:
    data = text if isinstance(text, bytes) else text.encode(errors="surrogatepass")
    with suppress(VariantError):
        assert isinstance(load(write(data)), VariantSpec)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, len(GOOD)), length=st.integers(0, 20), piece=PIECES)
def test_any_damage_to_a_variant_is_an_error_of_ours(
    write: Callable[..., Path], place: int, length: int, piece: str
) -> None:
    with suppress(VariantError):
        assert isinstance(load(write(GOOD[:place] + piece + GOOD[place + length :])), VariantSpec)


@pytest.mark.parametrize("name", sorted(stock()))
def test_every_model_yaml_of_ultralytics_reads_as_pyyaml_reads_it(name: str) -> None:
    path = stock()[name]
    spec = load(path)

    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    rows = raw.pop("backbone") + raw.pop("head")
    assert [
        [list(row.sources) if row.many else row.sources[0], row.repeats, row.module, list(row.arguments)]
        for row in spec.rows
    ] == rows
    assert {key: [one.depth, one.width, one.max_channels] for key, one in spec.scales.items()} == raw.pop("scales", {})
    assert spec.values == raw
    lines = path.read_text(encoding="utf-8").splitlines()
    assert all(row.module in lines[row.line - 1] for row in spec.rows)
    assert all(
        lines[line - 1].strip().startswith(f"{key.removeprefix('scales.')}:") for key, line in spec.value_lines.items()
    )


def test_stock_is_where_ultralytics_is_installed() -> None:
    spec = find_spec("ultralytics")
    assert spec is not None
    assert spec.origin is not None
    assert len(stock()) == len(list(Path(spec.origin).parent.glob("cfg/models/*/*.yaml"))) > 50
