"""A mistake of the user's is one message with what is needed to mend it, exit 2, no traceback, nothing written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from click.testing import Result

SECOND = "[-1, 1, Conv, [32, 3, 2]]"


def edited(new: str, old: str = SECOND) -> Callable[[], None]:
    """Write ``bad.yaml``: the tiny variant with one place changed. Its second row is on line 7."""

    def write() -> None:
        text = Path("tiny.yaml").read_text(encoding="utf-8")
        assert old in text
        Path("bad.yaml").write_text(text.replace(old, new), encoding="utf-8")

    return write


def to_file(text: str | bytes, name: str = "bad.yaml") -> Callable[[], None]:
    return lambda: void(Path(name).write_bytes(text if isinstance(text, bytes) else text.encode()))


def void(_: object) -> None:
    return None


def nothing() -> None:
    return None


def block_that_raises(where: str) -> Callable[[], None]:
    """Write ``bad.yaml``, whose second row is a block of ``blocks.py`` that raises in one of its methods."""
    name = f"Mine{where.strip('_')}"
    code = (
        f"from torch import nn\nfrom archprof import register\n\n@register('{name}')\nclass {name}(nn.Module):\n"
        "    def __init__(self, c1, c2, *rest):\n        super().__init__()\n"
        "    def forward(self, x):\n        return x\n"
        f"    def {where}(self, *arguments):\n        return {{}}['absent']\n"
    )

    def write() -> None:
        to_file(code, "blocks.py")()
        edited(f"[-1, 1, {name}, [32, 3, 2]]")()

    return write


HUGE = "nc: 2\nscales:\n  n: [1.0, 1.0, 100000000]\nbackbone:\n" + "  - [-1, 1, Conv, [1000000]]\n" * 2

MISTAKES = {
    "file not found": (nothing, "tinny.yaml", ["tinny.yaml", "did you mean tiny.yaml"]),
    "syntax": (
        to_file("nc: 2\nbackbone:\n  - [-1, 1, Conv, [16]\n  - [-1]\n"),
        "bad.yaml",
        ["bad.yaml:3:5: not valid YAML: this [ is not closed\n  3 |   - [-1, 1, Conv, [16]\n    |     ^"],
    ),
    "unknown block": (
        edited("[-1, 1, Cnov, [32, 3, 2]]"),
        "bad.yaml",
        ["bad.yaml:7: ", "'Cnov'", "did you mean Conv", "--plugin"],
    ),
    "too many arguments": (
        edited("[-1, 1, Conv, [32, 3, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1]]"),
        "bad.yaml",
        ["bad.yaml:7: ", "Conv takes (c1, c2, k=1"],
    ),
    "arguments of the wrong type": (
        edited("[-1, 1, Conv, [32, 'three', 2]]"),
        "bad.yaml",
        ["bad.yaml:7: ", "'three'", "Conv takes (c1, c2, k=1"],
    ),
    "too few arguments": (
        edited("[-1, 1, Conv, []]"),
        "bad.yaml",
        ["bad.yaml:7: ", "too few arguments", "Conv takes (c1, c2, k=1"],
    ),
    "no output channels": (edited("[-1, 1, Conv, [0, 3, 2]]"), "bad.yaml", ["bad.yaml:7: ", "above 0, not 0"]),
    "two inputs where one is taken": (
        edited("[[-1, 0], 1, Conv, [32, 3, 2]]"),
        "bad.yaml",
        ["bad.yaml:7: row 1: Conv takes one row, and from is [-1, 0]: write -1"],
    ),
    "unknown family": (
        edited("family: yolov31\nbackbone:", "backbone:"),
        "bad.yaml",
        ["bad.yaml:", "'yolov31'", "did you mean yolov13"],
    ),
    "reads a later row": (edited("[2, 1, Conv, [32, 3, 2]]"), "bad.yaml", ["bad.yaml:7: ", "row 2"]),
    "reads a row that is not there": (edited("[-3, 1, Conv, [32, 3, 2]]"), "bad.yaml", ["bad.yaml:7: ", "row -3"]),
    "channels do not fit": (
        edited("[-1, 1, nn.Conv2d, [99, 8, 3]]"),
        "bad.yaml",
        ["bad.yaml:7: row 1: nn.Conv2d was given 1×16×112×112"],
    ),
    "shapes do not fit": (
        edited("[-1, 1, Conv, [16, 3, 2]]\n  - [[0, 1], 1, Concat, [1]]"),
        "bad.yaml",
        ["bad.yaml:8: row 2: Concat was given 1×16×112×112 and 1×16×56×56"],
    ),
    "scale": (nothing, "tiny.yaml --scale z", ["'z'", "n, s"]),
    "scale in the name": (nothing, "yolo11q.yaml", ["no scale 'q'; yolo11 has n, s, m, l, x", "type yolo11n.yaml or"]),
    "no scales": (nothing, "timm:resnet18 --scale all", ["no scales"]),
    "size": (nothing, "yolo11n.yaml --imgsz 650", ["650", "32", "640x640"]),
    "no size": (nothing, "tiny.yaml --imgsz 12by12", ["12by12", "384x640"]),
    "10^12 parameters": (to_file(HUGE), "bad.yaml", ["bad.yaml:6: ", "parameters"]),
    "a million rows": (to_file("backbone:\n" + "  - [-1, 1, Conv, [16]]\n" * 10**6), "bad.yaml", ["bad.yaml"]),
    "device": (nothing, "tiny.yaml --device cuda:99", ["cuda:99", "cpu"]),
    "no device": (nothing, "tiny.yaml --device tpu", ["tpu", "cuda:N"]),
    "dtype": (nothing, "tiny.yaml --dtype float23", ["float23", "float32"]),
    "setting": (nothing, "tiny.yaml --set kpt_shape=[1,2]", ["kpt_shape", "nc"]),
    "no setting": (nothing, "tiny.yaml --set nc", ["key=value"]),
    "plugin raises": (
        to_file("x = 1\nraise ValueError('mine')\n", "blocks.py"),
        "tiny.yaml --plugin blocks.py",
        ["blocks.py:2", "mine", "| Traceback"],
    ),
    "plugin's block raises when made": (
        block_that_raises("__init__"),
        "bad.yaml --plugin blocks.py",
        ["bad.yaml:7: row 1: Mine", "KeyError: 'absent'", "| Traceback", "line 11, in __init__"],
    ),
    "plugin's block raises when run": (
        block_that_raises("forward"),
        "bad.yaml --plugin blocks.py",
        ["bad.yaml:7: row 1: Mine", "KeyError: 'absent'", "| Traceback", "line 11, in forward"],
    ),
    "no plugin": (nothing, "tiny.yaml --plugin blocks.py", ["blocks.py"]),
    "empty": (to_file(""), "bad.yaml", ["bad.yaml", "empty"]),
    "binary": (to_file(b"nc: 2\n\x80\x81"), "bad.yaml", ["bad.yaml:1:1", "no backbone"]),
    "directory": (lambda: Path("bad.yaml").mkdir(), "bad.yaml", ["bad.yaml", "a folder without a model"]),
    "timm's name": (nothing, "timm:resnet19", ["resnet19", "timm:resnet18"]),
    "torchvision's name": (nothing, "torchvision:resnet19", ["resnet19", "torchvision:resnet18"]),
    "factory's file": (nothing, "models.py:make", ["models.py"]),
    "factory": (to_file("def other(): ...\n", "models.py"), "models.py:make", ["make"]),
    "no factory named": (to_file("def other(): ...\n", "models.py"), "models.py", ["models.py", "models.py:other"]),
    "model that exits": (
        to_file(
            "from torch.nn import Module\nclass Exit(Module):\n  def forward(self, x): raise SystemExit(7)\n", "e.py"
        ),
        "e.py:Exit",
        ["SystemExit: 7", "line 3, in forward"],
    ),
    "not a model": (
        to_file("def make(): return 1\n", "models.py"),
        "models.py:make",
        ["models.py:make", "int", "torch.nn.Module"],
    ),
    "column": (nothing, "tiny.yaml --sort flosp", ["flosp", "did you mean flops"]),
    "extension": (nothing, "tiny.yaml -o out.xlsx", ["out.xlsx", "--format", ".csv"]),
    "output folder": (nothing, "tiny.yaml -o no/out.json", ["no/out.json", "folder"]),
    "output is there": (to_file("", "out.json"), "tiny.yaml -o out.json", ["out.json", "--force"]),
    "output is a folder": (lambda: Path("out.json").mkdir(), "tiny.yaml -o out.json --force", ["out.json", "folder"]),
    "output named twice": (nothing, "tiny.yaml -o out.json -o ./out.json", ["twice"]),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_message(archprof: Callable[[str], Result], folder: Path, name: str) -> None:
    prepare, line, expected = MISTAKES[name]
    prepare()
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    result = archprof(f"summary {line}")

    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.count("error: ") == 1
    assert result.stderr.startswith("error: ")
    assert "internal error" not in result.stderr
    assert not [text for text in result.stderr.splitlines() if text.startswith("Traceback")]
    for part in expected:
        assert part in result.stderr
    after = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if "__pycache__" not in path.parts}
    assert after == before


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("sumary tiny.yaml", "did you mean summary?"),
        ("summary tiny.yaml --fromat csv", "--format"),
        ("summary tiny.yaml --detail row", "'rows'"),
        ("summary tiny.yaml --batch 0", "'--batch'"),
        ("summary", "REF"),
    ],
)
def test_a_mistaken_option_names_what_was_meant(archprof: Callable[[str], Result], line: str, expected: str) -> None:
    result = archprof(line)
    assert result.exit_code == 2
    assert expected in result.stderr
    assert result.stdout == ""


@pytest.fixture
def locked(folder: Path, archprof: Callable[[str], Result]) -> Iterator[Path]:
    """A folder that may be neither read nor written; root, whom nothing is forbidden, is somebody else meanwhile."""
    # What Python imports late may lie where only root reads: have it all imported.
    assert archprof("summary tiny.yaml --format json").exit_code == 0
    locked = folder / "locked"
    locked.mkdir()
    locked.chmod(0)
    user = os.geteuid()
    if user == 0:
        for parent in (folder, *folder.parents[:2]):
            parent.chmod(0o755)
        os.seteuid(65534)
    yield locked
    os.seteuid(user)
    locked.chmod(0o700)


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are another matter there")
@pytest.mark.parametrize("line", ["locked/tiny.yaml", "tiny.yaml -o locked/out.json"])
def test_a_folder_without_permission(archprof: Callable[[str], Result], locked: Path, line: str) -> None:
    result = archprof(f"summary {line}")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: locked/")
    assert "internal" not in result.stderr


@pytest.mark.parametrize("name", ["10^12 parameters", "a million rows"])
def test_what_is_too_large_is_refused_under_a_gigabyte(folder: Path, name: str, peak_kib: str) -> None:
    prepare, line, _ = MISTAKES[name]
    prepare()
    code = (
        "from archprof.cli import app\n"
        f"try: app({['summary', *line.split()]!r})\n"
        "except SystemExit as end: code = end.code\n"
        f"print(code, {peak_kib})\n"
    )
    # The end comes after seconds; the time allowed is for telling a build that goes on from a busy machine.
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, timeout=120)
    code_, kibibytes = run.stdout.split()
    assert code_ == "2"
    assert int(kibibytes) < 1_000_000


NO_TORCH_NEEDED = {
    "summary tiny.yaml --plugin nope.py": "nope.py: no such file",
    "summary tiny.yaml --plugin nope_module": "no module named 'nope_module'",
    "summary tiny.yaml --dtype fp61": "unknown dtype 'fp61'",
    "summary tiny.yaml --device tpu": "unknown device 'tpu'",
    "summary tiny.yaml --imgsz 0": "invalid size",
    "summary tiny.yaml --convention fvcor": "unknown convention 'fvcor'",
    "summary tiny.yaml --set nc=x": "nc must be a whole number",
    "summary timm:resnet5": "timm has no model 'resnet5'",
    "summary timm:resnet18 --scale n": "has no scales",
    "summary torchvision:resnet5": "torchvision has no model 'resnet5'",
    "summary yolo11z": "no scale 'z'",
    "summary yolo11n.pt": "there is no file 'yolo11n.pt'",
    "summary https://example.org/x.yaml": "nothing is downloaded",
    "summary missing.py:make": "no file 'missing.py'",
    "bench tiny.yaml --backend onnx2": "unknown backend 'onnx2'",
    "bench tiny.yaml --backend eager,trt": "unknown backend 'trt'",
    "compare tiny.yaml": "there is nothing to compare with",
}


def test_what_needs_no_torch_comes_without_it(folder: Path) -> None:
    code = f"""
import sys
from archprof.cli import app
for line in {[*NO_TORCH_NEEDED]!r}:
    try: app(line.split())
    except SystemExit as end: print(line, end.code, 'torch' in sys.modules, file=sys.stderr)
"""
    run = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=120)
    assert run.stdout == ""
    for line, message in NO_TORCH_NEEDED.items():
        assert f"{line} 2 False" in run.stderr
        assert message in run.stderr
