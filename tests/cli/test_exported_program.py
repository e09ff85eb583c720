"""Exported programs on the command line: what is shown, what is asked back, and what is not loaded."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result


class Network(nn.Module):
    """A convolution of 3 to 8 channels, 3×3, stride 2, with bias; a normalisation; a ReLU."""

    def __init__(self, channels: int = 8) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, channels, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.norm(self.conv(images)).relu()


def export(module: nn.Module, example: tuple[Any, ...], path: Path, **options: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(module.eval(), example, strict=False, **options), path)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The network with open axes, exported once."""
    path = tmp_path_factory.mktemp("exported") / "net.pt2"
    height, width = (torch.export.Dim(name, max=1024) for name in ("height", "width"))
    shapes = ({0: torch.export.Dim("batch"), 2: 32 * height, 3: 32 * width},)
    export(Network(), (torch.rand(2, 3, 64, 96),), path, dynamic_shapes=shapes)
    return path


@pytest.fixture
def model(exported: Path, folder: Path) -> Path:
    return Path(shutil.copy(exported, folder))


def profile(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def macs(height: int, width: int) -> int:
    """27 products for each of 8 channels at each place of half the height and width."""
    return height // 2 * (width // 2) * 8 * 27


def test_the_totals_at_the_size_of_the_export(model: Path, archprof: Callable[[str], Result]) -> None:
    answer = profile(archprof("summary net.pt2 --format json"))
    totals = answer["totals"]
    assert totals["macs"] == macs(64, 96)
    # A bias, a normalisation of 4 and a ReLU at each of 8 channels of 32×48 places.
    assert totals["elementwise_flops"] == 6 * 8 * 32 * 48
    assert totals["parameters"] == 8 * 27 + 8 + 2 * 8
    assert answer["input"]["shapes"] == [[1, 3, 64, 96]]
    assert (answer["input"]["dtype"], answer["input"]["batch"], answer["input"]["kind"]) == ("float32", 1, "image")
    assert answer["variant"]["origin"] == "exported_program"
    assert answer["file"]["format"] == "pt2"
    assert len(answer["file"]["open_axes"]) == 3
    assert [entry["path"] for entry in answer["modules"]] == ["", "conv", "norm"]
    assert [entry["type"] for entry in answer["modules"]] == ["Network", "Conv2d", "BatchNorm2d"]
    assert any("images[2] 64, images[3] 96" in remark for remark in answer["environment"]["remarks"])


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("summary net.pt2 --input image=1x3x64x64", "did you mean images?"),
        ("summary net.pt2 --backward", "cannot be had of an exported program"),
        ("summary net.pt2 --nc 3", "cannot be changed in an exported program"),
        ("summary nat.pt2", "did you mean net.pt2?"),
    ],
)
def test_what_it_cannot_be_asked(model: Path, archprof: Callable[[str], Result], line: str, says: str) -> None:
    result = archprof(line)
    assert result.exit_code == 2
    assert says in " ".join(result.stderr.split())


def test_a_program_of_a_newer_torch(model: Path, archprof: Callable[[str], Result]) -> None:
    with zipfile.ZipFile(model) as archive:
        program = json.loads(archive.read("net/models/model.json"))
    program["schema_version"]["major"] = 99
    with zipfile.ZipFile("newer.pt2", "w") as archive:
        archive.writestr("newer/models/model.json", json.dumps(program))
    result = archprof("summary newer.pt2")
    assert result.exit_code == 2
    assert "its format has version 99" in result.stderr
    assert "update archprof" in result.stderr


class Stranger(nn.Module):
    """A layer, an operator of somebody else's, and the layer again."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(torch.ops.archprof_tests.tripled(self.layer(x)))


@torch.library.custom_op("archprof_tests::tripled", mutates_args=())
def tripled(x: torch.Tensor) -> torch.Tensor:
    return x * 3


@tripled.register_fake
def _(x: torch.Tensor) -> torch.Tensor:
    return torch.empty_like(x)


def test_an_operator_that_nobody_knows(folder: Path, archprof: Callable[[str], Result]) -> None:
    shapes = ({0: torch.export.Dim("rows")},)
    export(Stranger(), (torch.rand(3, 4),), folder / "net.pt2", dynamic_shapes=shapes)
    answer = profile(archprof("summary net.pt2 --input x=5x4 --format json"))
    # The process that counts has not the operator: the layer runs twice, 4·4 products for each of 5 rows.
    assert answer["totals"]["macs"] == 2 * 5 * 16
    assert answer["coverage"]["unknown"] == {"archprof_tests.tripled": 1}
    assert answer["environment"]["device"] == "meta"


def test_an_operator_that_reads_files_is_not_run(folder: Path, archprof: Callable[[str], Result]) -> None:
    export(Network(), (torch.rand(1, 3, 8, 8),), folder / "net.pt2")
    with zipfile.ZipFile("net.pt2") as archive:
        program = json.loads(archive.read("net/models/model.json"))
    nodes = program["graph_module"]["graph"]["nodes"]
    (node,) = [node for node in nodes if "relu" in node["target"]]
    node["target"] = "torch.ops.aten.from_file.default"
    node["inputs"] = [
        {"name": "filename", "arg": {"as_string": str(folder / "made.bin")}, "kind": 1},
        {"name": "shared", "arg": {"as_bool": True}, "kind": 1},
        {"name": "size", "arg": {"as_int": 128}, "kind": 1},
    ]
    with zipfile.ZipFile("other.pt2", "w") as archive:
        archive.writestr("other/models/model.json", json.dumps(program))
    answer = profile(archprof("summary other.pt2 --format json"))
    assert answer["coverage"]["unknown"] == {"aten.from_file": 1}
    assert not (folder / "made.bin").exists()


def test_a_weight_of_a_negative_size(folder: Path, archprof: Callable[[str], Result]) -> None:
    export(Network(), (torch.rand(1, 3, 8, 8),), folder / "net.pt2")
    with zipfile.ZipFile("net.pt2") as archive:
        program = json.loads(archive.read("net/models/model.json"))
    for tensor in program["graph_module"]["graph"]["tensor_values"].values():
        tensor["sizes"][:1] = [{"as_int": -5}] if tensor["sizes"] else []
    with zipfile.ZipFile("other.pt2", "w") as archive:
        archive.writestr("other/models/model.json", json.dumps(program))
    result = archprof("summary other.pt2")
    assert result.exit_code == 2
    assert "internal error" not in result.stderr
    assert "-5×" in result.stderr


def test_compare_says_what_the_export_did(folder: Path, archprof: Callable[[str], Result]) -> None:
    from archprof.builder.options import Options
    from archprof.pipeline.counting import prepare
    from archprof.sources.reference import resolve

    for name, fuse in (("plain", False), ("folded", True)):
        built, inputs = prepare(resolve("tiny.yaml"), Options(size=(64,), device="cpu", fuse=fuse))
        export(built.module, inputs, folder / f"{name}.pt2")
    same = archprof("compare tiny.yaml plain.pt2 --imgsz 64")
    assert same.exit_code == 0, same.output
    assert "all 3 rows have the MACs of the YAML" in same.stdout
    assert "folded" not in same.stdout
    fused = archprof("compare tiny.yaml folded.pt2 --imgsz 64")
    # Two rows of a convolution each, and that of the classifier.
    assert "3 normalisations folded into convolutions" in fused.stdout


COMMAND = """
import sys
from archprof.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print(sorted({"torch", "onnx"} & set(sys.modules)), file=sys.stderr)
"""

BUDGETS = """\
[[budgets]]
variants = ["*.pt2"]
imgsz = 64
flops = {max = "0.5 M"}
"""


def test_check_holds_it_and_imports_no_torch(model: Path, archprof: Callable[[str], Result]) -> None:
    # 2 · 32 · 32 · 8 · 27 = 442,368 FLOPs
    (model.parent / "archprof.toml").write_text(BUDGETS, encoding="utf-8")
    assert archprof("check").exit_code == 0
    for _ in range(2):  # the second is answered by the cache
        run = subprocess.run(
            [sys.executable, "-c", COMMAND, "check"], cwd=model.parent, capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stderr
        assert run.stderr.splitlines()[-1] == "[]"
    shapes = ({0: torch.export.Dim("batch"), 2: torch.export.Dim.AUTO, 3: torch.export.Dim.AUTO},)
    export(Network(channels=10), (torch.rand(2, 3, 64, 64),), model, dynamic_shapes=shapes)
    assert archprof("check").exit_code == 1  # 552,960


def test_bench_runs_it_with_its_weights(model: Path, archprof: Callable[[str], Result]) -> None:
    result = archprof("bench net.pt2 --imgsz 32 --max-time 1 --format json")
    assert result.exit_code == 0, result.output
    (latency,) = json.loads(result.stdout)["latency"]
    assert latency["error"] is None
    assert latency["samples_s"]


def test_audit_runs_the_counters_of_operations(model: Path, archprof: Callable[[str], Result]) -> None:
    result = archprof("audit net.pt2 --counter torch --format json")
    assert result.exit_code == 0, result.output
    (opinion,) = json.loads(result.stdout)["opinions"]
    assert opinion["macs"] == macs(64, 96)
