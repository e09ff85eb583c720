"""Words that the parser cannot take are answered as any other mistake, with what to type."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from archprof.cli.commands import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("summary yolo11n.yaml imgsz=640", "summary yolo11n.yaml --imgsz 640"),
        ("summary imgsz=640 yolo11n.yaml", "summary --imgsz 640 yolo11n.yaml"),
        ("summary model=yolo11n.yaml", "summary yolo11n.yaml"),
        ("summary weights=yolov5s.yaml img=640", "summary yolov5s.yaml --imgsz 640"),
        ("compare cfg=a.yaml weights=b.yaml", "compare a.yaml b.yaml"),
        ("summary model=yolo11n.yaml imgsz=[384,640] batch=2", "summary yolo11n.yaml --imgsz 384x640 --batch 2"),
        ("summary yolo11n half=True device=0", "summary yolo11n --dtype float16 --device 0"),
        ("summary yolo11n half=False device=None", "summary yolo11n"),
        ("summary yolo11n nc=3 scale=s ch=1", "summary yolo11n --nc 3 --scale s --channels 1"),
        (
            "suggest yolo11n --vary channels=0.5,1 imgsz=32,64",
            "suggest yolo11n --vary channels=0.5,1 --vary imgsz=32,64",
        ),
        ("sweep yolo11n --vary width=0.5,1 imgsz=32,64", "sweep yolo11n --vary width=0.5,1 --vary imgsz=32,64"),
        ("sweep run yolo11n --vary=nc=1,2 depth=1", "sweep yolo11n --vary=nc=1,2 --vary depth=1"),
        ("sweep yolo11n imgsz=320 --store a.db", "sweep yolo11n --imgsz 320 --store a.db"),
        ("sweep yolo11n width=0.25,0.5", "sweep yolo11n --vary width=0.25,0.5"),
        ("summary yolo11n kpt_shape=[21,3]", "summary yolo11n --set 'kpt_shape=[21,3]'"),
        ("summary yolo11n fuse=True --set nc=3", "summary yolo11n --fuse --set nc=3"),
        ("summary imgsz=640", "summary MODEL --imgsz 640"),
        ("bench yolo11n threads=2", "bench yolo11n --threads 2"),
        ("audit yolo11n imgsz=640", "audit yolo11n --imgsz 640"),
        ("detect predict model=yolo11n.yaml imgsz=640", "summary yolo11n.yaml --imgsz 640"),
        ("mode=val model=yolo11n.yaml", "summary yolo11n.yaml"),
        ("yolov13n.yaml", "summary yolov13n.yaml"),
        ("yolo11n --fuse", "summary yolo11n --fuse"),
        ("mine.yaml", "summary mine.yaml"),
        ("timm:resnet18", "summary timm:resnet18"),
    ],
)
def test_the_answer_is_what_to_type(archprof: Callable[[str], Result], typed: str, meant: str) -> None:
    result = archprof(typed)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")
    assert f"\ntype: archprof {meant}\n" in result.stderr


@pytest.mark.parametrize(("typed", "meant"), [("help", "--help"), ("help bench", "bench --help")])
def test_help_is_a_command(archprof: Callable[[str], Result], typed: str, meant: str) -> None:
    result = archprof(typed)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == archprof(meant).stdout
    assert "Usage: archprof" in result.stdout


@pytest.mark.parametrize(
    ("typed", "hint"),
    [("help bnech", "did you mean bench?"), ("help yolo11n", "type: archprof summary yolo11n --help")],
)
def test_help_on_what_is_no_command(archprof: Callable[[str], Result], typed: str, hint: str) -> None:
    result = archprof(typed)
    assert (result.exit_code, result.stdout) == (2, "")
    assert hint in result.stderr


def test_what_means_nothing_here_is_named(archprof: Callable[[str], Result]) -> None:
    result = archprof("summary yolo11n data=coco8.yaml imgsz=640")
    assert "type: archprof summary yolo11n --imgsz 640\ndata=coco8.yaml: no option here" in result.stderr


def test_a_file_of_such_a_name_is_a_model(archprof: Callable[[str], Result], folder: Path) -> None:
    (folder / "imgsz=640.yaml").write_text("backbone: [[-1, 1, Conv, [8]]]", encoding="utf-8")
    for name in ("imgsz=640.yaml", "imgsz=640"):
        assert archprof(f"summary {name} --imgsz 32").exit_code == 0


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("sumary tiny.yaml", "unknown command 'sumary'", "did you mean summary?"),
        ("frobnicate", "unknown command 'frobnicate'", f"commands: {', '.join(COMMANDS)}"),
        ("summary", "missing argument 'REF...'", "archprof summary --help lists what it takes"),
        (
            "summary a --batch 0",
            "invalid value for '--batch': 0 is less than 1",
            "archprof summary --help lists what it takes",
        ),
        (
            "summary a --nc many",
            "invalid value for '--nc': 'many' is not a whole number",
            "archprof summary --help lists what it takes",
        ),
        (
            "summary a --time-limit long",
            "invalid value for '--time-limit': 'long' is not a number",
            "archprof summary --help lists what it takes",
        ),
        ("version", "unknown command 'version'", "type: archprof --version"),
        ("zoo yolov13", "unknown command 'yolov13'", "type: archprof zoo show yolov13"),
        ("cache now", "got unexpected extra argument", "archprof cache --help lists what it takes"),
        ("explain C3k2", "unknown command 'C3k2'", "type: archprof explain block C3k2"),
        ("explain block", "missing argument 'NAME'", "archprof explain block --help lists what it takes"),
        ("schema lok", "invalid value for 'KIND': 'lok' is not one of 'profile', 'comparison'", "did you mean lock?"),
        ("summary a --topp 2", "no such option: --topp", "did you mean --top?"),
        ("--bogus", "no such option: --bogus", "archprof --help lists what it takes"),
        ("sweep run a b", "got unexpected extra argument", "archprof sweep run --help lists what it takes"),
        ("zoo show a b", "got unexpected extra argument", "archprof zoo show --help lists what it takes"),
        ("summary a --half", "no such option: --half", "type --dtype float16"),
        ("summary a --img-size 640", "no such option: --img-size", "type --imgsz"),
        ("bench a --batch-size=2", "no such option: --batch-size", "type --batch"),
        ("summary --weights a.pt", "no such option: --weights", "name the model by itself, without --weights"),
        ("doctor --img 640", "no such option: --img", "archprof doctor --help lists what it takes"),
        ("summary a -imgsz 320", "no such option: -imgsz", "type --imgsz, with two dashes"),
        ("summary a -imgsz=320", "no such option: -imgsz", "type --imgsz=320, with two dashes"),
        ("bench a -imgz 320", "no such option: -imgz", "type --imgsz, with two dashes"),
        ("check -config x.toml", "no such option: -config", "type --config, with two dashes"),
        ("summary a -zzzz", "no such option: -z", "archprof summary --help lists what it takes"),
    ],
)
def test_the_parsers_own_errors_look_like_ours(
    archprof: Callable[[str], Result], line: str, message: str, hint: str
) -> None:
    result = archprof(line)
    assert (result.exit_code, result.stdout) == (2, "")
    first, *others = result.stderr.splitlines()
    assert first.startswith(f"error: {message}")
    assert not first.endswith(".")
    assert others == [hint]


@pytest.mark.parametrize(
    "line",
    [
        "summary yolo11n.yaml imgsz=640",
        "yolov13n.yaml",
        "summary yolo11n --dtype int7",
        "summary yolo11n --device tpu",
        "summary yolo11n --imgsz big",
        "summary yolo11n --set nc",
        "summary yolo11n --columns parms",
        "summary yolo11 --scale q",
        "summary yolo11n --plugin nowhere.py",
        "summary timm:resnet5",
        "bench yolo11n --dtype int7",
        "bench timm:resnet5",
        "audit yolo11n --dtype int7",
        "audit timm:resnet5",
        "audit yolo11n --plugin nowhere.py",
        "bench yolo11n --plugin nowhere.py",
        "parameternet yolo11n --plugin nowhere.py",
        "compare yolo11n timm:resnet5",
        "parameternet yolo11n --experts x",
    ],
)
def test_no_torch_is_imported_for_it(line: str) -> None:
    code = """
import sys
from archprof.cli import main
try:
    main()
except SystemExit as end:
    assert end.code == 2, end.code
assert not {"torch", "timm", "torchvision", "ultralytics"} & set(sys.modules)
"""
    command = [sys.executable, "-c", code, *line.split(), "--no-cache"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, ""), result.stderr
    assert result.stderr.startswith("error: ")


def test_several_short_options_are_written_as_one(archprof: Callable[[str], Result]) -> None:
    result = archprof("summary tiny.yaml -qv --imgsz 32 --format csv")
    assert result.exit_code == 0, result.stderr


@pytest.mark.parametrize(
    ("reference", "message", "name"),
    [
        ("keras:ResNet50", "no module named 'keras'", "in torch: timm:resnet50,"),
        ("tf:MobileNetV2", "no module named 'tf'", "in torch: timm:mobilenetv2_"),
        ("paddle:zzzzzz", "no module named 'paddle'", "the architecture: timm:NAME,"),
        ("huggingface:bert-base", "model 'huggingface:bert-base' not found", "the architecture: timm:NAME,"),
    ],
)
def test_models_of_other_frameworks(archprof: Callable[[str], Result], reference: str, message: str, name: str) -> None:
    result = archprof(f"summary {reference}")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"error: {message}\nmodels of ")
    assert name in result.stderr
    assert result.stderr.endswith("or export the model to ONNX and name the file\n")


def test_a_list_may_be_given_in_several_options(archprof: Callable[[str], Result]) -> None:
    """Of two options the second would hold, silently, and with --vary that is another question."""
    once = archprof("summary yolo11n.yaml --columns model,params --format csv")
    twice = archprof("summary --columns model yolo11n.yaml --columns=params --format csv")
    assert (once.exit_code, once.stdout) == (twice.exit_code, twice.stdout) == (0, once.stdout)
    assert once.stdout.splitlines()[0] == "model,parameters"
    assert "requires an argument" in archprof("summary yolo11n.yaml --columns").stderr


@pytest.mark.parametrize(
    ("line", "usage"),
    [
        ("summary", "Usage: archprof summary [OPTIONS] REF...\n"),
        ("check", "Usage: archprof check [OPTIONS] [REF...]\n"),
        ("schema", "Usage: archprof schema [OPTIONS] [KIND]\n"),
        ("explain block", "Usage: archprof explain block [OPTIONS] NAME\n"),
    ],
)
def test_usage_is_written_as_manuals_write_it(archprof: Callable[[str], Result], line: str, usage: str) -> None:
    assert archprof(f"{line} --help").stdout.startswith(usage)


@pytest.mark.parametrize(("variable", "value"), [("ARCHPROF_NC", "many"), ("ARCHPROF_IMGSZ", "large")])
def test_a_wrong_value_in_the_environment_is_said_to_be_there(
    archprof: Callable[[str], Result], monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert archprof("summary tiny.yaml").stderr.endswith(f"\nit is set by the environment variable {variable}\n")
    option = variable.removeprefix("ARCHPROF_").lower()
    assert "environment" not in archprof(f"summary tiny.yaml --{option} worse").stderr


def test_commands_are_listed_by_name_after_the_first(archprof: Callable[[str], Result]) -> None:
    first, *others = COMMANDS
    assert (first, others[0], others[-1]) == ("summary", "audit", "zoo")
    assert others == sorted(others)
