"""What is put together from the records of rows is what a pass of the whole model gives, byte for byte."""

from __future__ import annotations

import logging
import random
from typing import TYPE_CHECKING, Any

import pytest

from archprof.errors import ArchprofError
from archprof.sources import families, yaml_file
from archprof.sources.origins.stock import stock
from archprof.sources.reference import resolve

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = ("yoloe", "world", "-sem", "llama-1b-")
"""Parts of the names of networks that do more than to call their rows, whose strides come from all of these, or whose
experts are chosen by number."""

NAMES = sorted({*stock(), *(name for _, name, _ in families.variants())})

FEW = (
    *("yolo11n", "yolo26n-seg", "yolov8n-pose-p6", "yolov9t", "yolov10n", "yolo12n-cls", "yolov5n", "yolov6n"),
    *("resnet18-pst", "yolov13-pose", "yolo11-pst", "llama-1b", "yolov3-tiny", "yolo11n-obb"),
    *("yolov8n-rtdetr", "yolov13n-DynamicConv", "yolo11-DynamicConv", "parameternet-300m", "ghostnet-600m"),
)


def is_whole(name: str) -> bool:
    """Whether a variant is never put together from rows."""
    return any(part in name for part in WHOLE)


@pytest.mark.parametrize("name", FEW)
def test_variants(rows: Any, name: str) -> None:
    rows.check(rows.request(resolve(name)))


@pytest.mark.full
@pytest.mark.parametrize("name", NAMES)
def test_every_variant_at_every_scale(rows: Any, name: str) -> None:
    first = resolve(name)
    for scale in first.scales or (None,):
        request = rows.request(resolve(name, scale=scale))
        counted = rows.count(request)
        if is_whole(name):
            assert counted is None
        else:
            rows.check(request)


@pytest.mark.parametrize(
    "options",
    [
        *({"size": (320,)}, {"size": (96, 160)}, {"batch": 3}, {"channels": 1}, {"level": "budgets"}, {"size": (32,)}),
        *({"dtype": "float16"}, {"dtype": "bfloat16", "batch": 2}, {"dtype": "float64", "level": "budgets"}),
    ],
)
def test_options(rows: Any, options: dict[str, Any]) -> None:
    rows.check(rows.request(resolve("yolo11n"), **options))


@pytest.mark.parametrize(
    "name", ["yolo11n-pose", "parameternet-300m", "llama-1b", pytest.param("rtdetr-l", marks=pytest.mark.full)]
)
def test_another_type_of_weights(rows: Any, name: str) -> None:
    rows.check(rows.request(resolve(name), dtype="float16"))


@pytest.mark.parametrize("name", ["yolo11n", "yolov10n", "yolov9t", "yolov13n-DynamicConv", "yolov8n-cls"])
def test_fused(rows: Any, name: str) -> None:
    rows.check(rows.request(resolve(name), fuse=True))


MIXED = {
    "yolo11n": {"model.2.cv1.conv": 4, "model.3.conv": 2, "model.23.cv3.0.0.0.conv": 3, "model.23.cv2.1.2": 2},
    "yolo11-DynamicConv": {"model.1.conv": 4},
    "yolov8n-seg": {"model.22.proto.cv1.conv": 2, "model.15.m.0.cv2.conv": 8},
}
"""Convolutions of bodies and heads, with and without bias, and beside blocks that are dynamic by themselves."""


@pytest.mark.parametrize("options", [{}, {"fuse": True}, {"batch": 2, "level": "budgets"}, {"dtype": "float16"}])
@pytest.mark.parametrize("name", MIXED)
def test_convolutions_that_are_made_dynamic(rows: Any, name: str, options: dict[str, Any]) -> None:
    spec = resolve(name).with_values({"dynamic_convolutions": MIXED[name]})
    rows.check(rows.request(spec, size=(64,), **options))


def test_rows_without_a_dynamic_convolution_are_known_from_the_plain_variant(rows: Any, tmp_path: Path) -> None:
    path = tmp_path / "mixed.yaml"
    path.write_text(
        "nc: 2\nbackbone:\n  - [-1, 1, Conv, [16, 3, 2]]\n  - [-1, 1, nn.Conv2d, [16, 16, 1]]\n"
        "head:\n  - [-1, 1, Classify, [nc]]\n",
        encoding="utf-8",
    )
    plain = yaml_file.load(path)
    rows.check(rows.request(plain, size=(32,)))
    for experts in ({"model.1": 2}, {"model.1": 3}, {"model.2.conv.conv": 2}):
        request = rows.request(plain.with_values({"dynamic_convolutions": experts}), size=(32,))
        assert rows.known(request) is None
        rows.check(request)
    # All of its rows were in one of those.
    both = rows.request(plain.with_values({"dynamic_convolutions": {"model.2.conv.conv": 2, "model.1": 3}}), size=(32,))
    assert rows.known(both).to_json() == rows.whole(both).to_json()
    assert "Ultralytics ignores dynamic_convolutions" in rows.known(both).environment.remarks[-1]


@pytest.mark.parametrize("path", ["model.99.conv", "model", "model.01.conv", "model.1.bn", "conv", "model.-1.conv"])
def test_a_path_that_is_no_plain_convolutions_is_told_by_the_whole(rows: Any, path: str) -> None:
    request = rows.request(resolve("yolo11n").with_values({"dynamic_convolutions": {path: 2}}))
    assert rows.count(request) is None
    with pytest.raises(ArchprofError, match="not a plain convolution"):
        rows.whole(request)


def test_what_is_folded_across_rows_runs_as_a_whole(rows: Any, tmp_path: Path) -> None:
    """Without a head every batch norm is folded that a convolution feeds, here that of the row before."""
    path = tmp_path / "body.yaml"
    path.write_text(
        "nc: 2\nbackbone:\n  - [-1, 1, nn.Conv2d, [3, 3, 3]]\n  - [-1, 1, nn.BatchNorm2d, []]\nhead: []\n",
        encoding="utf-8",
    )
    request = rows.request(yaml_file.load(path), fuse=True)
    assert rows.count(request) is None
    rows.check(rows.request(yaml_file.load(path)))


@pytest.mark.parametrize(
    ("name", "conventions", "level"),
    [
        ("yolo11n", ("macs",), "full"),
        ("yolo11n", ("flops", "torchvision"), "full"),
        ("yolo11n", ("all", "macs"), "budgets"),
        ("yolov13n-DynamicConv", ("all",), "budgets"),
        ("llama-1b", ("all",), "full"),
    ],
)
def test_conventions(rows: Any, name: str, conventions: tuple[str, ...], level: str) -> None:
    """Those that are sums over operations."""
    rows.check(rows.request(resolve(name), conventions=conventions, level=level))


@pytest.mark.parametrize("level", ["full", "budgets"])
def test_the_convention_of_thop(rows: Any, level: str) -> None:
    rows.check(rows.request(resolve("yolo11n"), conventions=("thop-2.0", "macs"), level=level))


@pytest.mark.parametrize("convention", ["fvcore", "torchprofile"])
def test_conventions_that_drop_what_nobody_uses_run_as_a_whole(rows: Any, convention: str) -> None:
    assert rows.count(rows.request(resolve("yolo11n"), conventions=(convention,))) is None


def test_what_ultralytics_prints_is_put_together_too(rows: Any) -> None:
    request = rows.request(resolve("yolo11n"))
    rows.check(request)
    assert list(rows.known(request).reported) == ["thop-2.0", "ultralytics"]


@pytest.mark.parametrize("name", ["yoloe-11n", "llama-1b-up-4e", "yolov8n-world"])
def test_what_crosses_rows_runs_as_a_whole(rows: Any, name: str) -> None:
    assert rows.count(rows.request(resolve(name))) is None


BASES = ("yolo11", "yolov8", "yolov10n", "yolov5", "yolo12", "yolo11-cls", "yolov8-pose", "yolov13-pose", "yolo26-seg")
BLOCKS = (
    *("Conv", "DWConv", "GhostConv", "C2f", "C3", "C3k2", "SPPF", "nn.Identity", "CBAM", "C2fCIB", "A2C2f", "SCDown"),
    *("nn.ReLU", "nn.SiLU", "nn.MaxPool2d", "nn.BatchNorm2d", "C3Ghost", "RepC3", "nn.Conv2d"),
)


def edited(text: str, choice: random.Random) -> str:
    """A file with some of its rows changed: their block, their repeats, a number among their arguments."""
    lines = text.splitlines()
    numbers = [index for index, line in enumerate(lines) if line.lstrip().startswith("- [")]
    for index in choice.sample(numbers[:-1], k=choice.randint(1, 3)):
        line = lines[index]
        start, _, rest = line.partition("[")
        row, closing, comment = rest.rpartition("]")
        parts = row.split(",", 3) if not row.startswith("[") else None
        if parts is None or len(parts) < 4:
            continue
        kind = choice.random()
        if kind < 0.3:
            parts[2] = f" {choice.choice(BLOCKS)}"
        elif kind < 0.6:
            parts[1] = f" {choice.randint(1, 4)}"
        else:
            first, comma, others = parts[3].strip().removeprefix("[").partition(",")
            channels = choice.choice((8, 24, 48, 64, 96, 100, 160, 256, 512, 1024))
            parts[3] = f" [{channels if first.strip().isdigit() else first}{comma}{others}"
        lines[index] = f"{start}[{','.join(parts)}{closing}{comment}"
    return "\n".join(lines) + "\n"


def check_edit(rows: Any, folder: Path, seed: int, log: pytest.LogCaptureFixture) -> bool:
    """Whether the edit of a seed builds and runs; if so, its profile is compared."""
    choice = random.Random(seed)
    base = resolve(choice.choice(BASES))
    path = folder / f"{base.family}{seed}.yaml"
    path.write_text(edited(base.text or "", choice), encoding="utf-8")
    scales = [*base.scales]
    scale = choice.choice(scales) if scales and choice.random() < 0.5 else (scales or [None])[0]
    try:
        spec = yaml_file.load(path, scale=scale, family=base.family)
        if choice.random() < 0.4 and "nc" in spec.values:
            spec = spec.with_values({"nc": choice.choice((1, 3, 20, 365))})
        request = rows.request(spec, size=(choice.choice((64, 96, 128, 320)),), batch=choice.choice((1, 1, 2)))
        whole = rows.whole(request).to_json()
    except ArchprofError:
        assert rows.count(request) is None
        return False
    with log.at_level(logging.DEBUG, "archprof.pipeline.composition"):
        counted = rows.count(request)
    assert not log.records, "what runs as a whole raises nothing while its rows are put together"
    if counted is not None:
        known = rows.known(request)
        assert counted.to_json() == whole, path.read_text(encoding="utf-8")
        assert known is not None
        assert known.to_json() == whole
    return counted is not None


def test_edits(rows: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    composed = [check_edit(rows, tmp_path, seed, caplog) for seed in range(40)]
    assert sum(composed) >= 15


@pytest.mark.full
@pytest.mark.parametrize("start", range(40, 2_000, 140))
def test_two_thousand_edits(rows: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture, start: int) -> None:
    composed = [check_edit(rows, tmp_path, seed, caplog) for seed in range(start, start + 140)]
    assert sum(composed) >= 50
