"""ONNX files on the command line: what is shown, what is asked back, and what is not loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import archprof as ap

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

FLOAT = TensorProto.FLOAT


def weights(*shape: int, name: str = "conv.weight") -> TensorProto:
    return numpy_helper.from_array(np.ones(shape, np.float32), name)


def network(batch: int | str = "batch", height: int | str = "height", width: int | str = "width") -> onnx.ModelProto:
    """A convolution of 3 to 8 channels, 3×3, stride 2, padding 1, with bias; a ReLU; an operator of a stranger's."""
    window = {"strides": [2, 2], "pads": [1] * 4}
    return helper.make_model(
        helper.make_graph(
            [
                helper.make_node("Conv", ["images", "conv.weight", "conv.bias"], ["c"], "/stem/conv/Conv", **window),
                helper.make_node("Relu", ["c"], ["r"], "/stem/act/Relu"),
                helper.make_node("Blur", ["r"], ["out"], "/blur/Blur", domain="org.example"),
            ],
            "g",
            [helper.make_tensor_value_info("images", FLOAT, [batch, 3, height, width])],
            [helper.make_tensor_value_info("out", FLOAT, None)],
            [weights(8, 3, 3, 3), weights(8, name="conv.bias")],
        ),
        producer_name="stranger",
        producer_version="1.5",
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("org.example", 2)],
        ir_version=8,
    )


@pytest.fixture
def model(folder: Path) -> Path:
    proto = network()
    proto.metadata_props.add(key="task", value="detect")
    onnx.save(proto, folder / "net.onnx")
    return folder / "net.onnx"


def profile(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


# 64×96 with stride 2 gives 32×48: 8 · 3·3·3 products at each of 32·48 positions; each result has a bias and a ReLU.
MACS = 32 * 48 * 8 * 27
ELEMENTWISE = 2 * 32 * 48 * 8


def test_the_totals(model: Path, archprof: Callable[[str], Result]) -> None:
    answer = profile(archprof("summary net.onnx --imgsz 64x96 --format json"))
    totals = answer["totals"]
    assert (totals["macs"], totals["flops"]) == (MACS, 2 * MACS)
    assert totals["elementwise_flops"] == ELEMENTWISE
    assert totals["parameters"] == 8 * 27 + 8
    assert totals["weight_bytes"] == 4 * (8 * 27 + 8)
    # The input is read, 3·64·96; the convolution's result is written and read, and so is the ReLU's. What the operator
    # of the stranger's gives has no shape.
    image, activation = 4 * 3 * 64 * 96, 4 * 8 * 32 * 48
    assert totals["bytes_read"] == image + totals["weight_bytes"] + 2 * activation
    assert totals["bytes_written"] == totals["activation_bytes"] == 2 * activation
    assert totals["peak_activation_bytes"] == 2 * activation
    plain = {"shapes": [[1, 3, 64, 96]], "dtype": "float32", "batch": 1, "kind": "image"}
    assert answer["input"] == {**plain, "names": [], "dtypes": [], "values": []}


def test_an_operator_without_a_formula_is_unknown_never_free(model: Path, archprof: Callable[[str], Result]) -> None:
    answer = profile(archprof("summary net.onnx --imgsz 64 --format json"))
    assert answer["coverage"] == {"operations": 3, "counted": 2, "free": 0, "unknown": {"org.example.Blur": 1}}
    text = archprof("summary net.onnx --imgsz 64")
    assert "no formula  org.example.Blur 1×" in text.stdout
    assert ">= " in text.stdout


def test_rows_are_the_modules_that_the_exporter_wrote(model: Path, archprof: Callable[[str], Result]) -> None:
    answer = profile(archprof("summary net.onnx --imgsz 64x96 --format json"))
    modules = {entry["path"]: entry for entry in answer["modules"]}
    assert list(modules) == ["", "stem", "stem.conv", "stem.act", "blur"]
    assert modules["stem"]["macs"] == modules["stem.conv"]["own_macs"] == MACS
    assert modules["stem"]["parameters"] == 8 * 27 + 8
    assert modules["stem.act"]["elementwise_flops"] == ELEMENTWISE // 2
    assert modules["stem.conv"]["type"] == "Conv"
    assert modules["stem.conv"]["output_shapes"] == [[1, 8, 32, 48]]


def test_what_the_file_says_of_itself(model: Path, archprof: Callable[[str], Result]) -> None:
    file = profile(archprof("summary net.onnx --imgsz 64 --format json"))["file"]
    assert file == {
        "format": "onnx",
        "format_version": 8,
        "opsets": {"ai.onnx": 17, "org.example": 2},
        "producer": "stranger 1.5",
        "metadata": {"task": "detect"},
        "open_axes": ["batch", "height", "width"],
        "weight_files": [],
    }
    text = " ".join(archprof("summary net.onnx --imgsz 64").stdout.split())
    assert "ONNX IR 8 · opset ai.onnx 17, org.example 2 · written by stranger 1.5" in text
    assert "open axes batch, height, width" in text
    assert "metadata task detect" in text


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ("--imgsz 64", [1, 3, 64, 64]),
        ("--imgsz 64x96 --batch 2", [2, 3, 64, 96]),
        ("--input images=5x3x32x64", [5, 3, 32, 64]),
    ],
)
def test_the_size_of_the_input(model: Path, archprof: Callable[[str], Result], options: str, shape: list[int]) -> None:
    answer = profile(archprof(f"summary net.onnx {options} --format json"))
    assert answer["input"]["shapes"] == [shape]
    batch, _, height, width = shape
    assert answer["totals"]["macs"] == batch * (height // 2) * (width // 2) * 8 * 27


def test_a_symbolic_batch_is_1_unless_told(folder: Path, archprof: Callable[[str], Result]) -> None:
    onnx.save(network("N", 64, 64), folder / "n.onnx")
    assert profile(archprof("summary n.onnx --format json"))["input"]["shapes"] == [[1, 3, 64, 64]]
    assert profile(archprof("summary n.onnx --batch 4 --format json"))["input"]["shapes"] == [[4, 3, 64, 64]]


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        (
            "summary net.onnx",
            "axis 2 ('height') of input 'images' of net.onnx has no size",
            "give it with --imgsz HEIGHTxWIDTH, or --input images=1x3xSIZExSIZE",
        ),
        ("summary net.onnx --imgsz 64 --input image=1x3x8x8", "net.onnx has no input 'image'", "did you mean images?"),
        ("summary net.onnx --input images=1x3x8", "input 'images' has 4 axes, not 3", "batch×3×height×width"),
        ("summary net.onnx --input images=1x4x8x8", "input 'images' of net.onnx takes 3 on axis 1, not 4", "batch×3"),
        (
            "summary net.onnx --input images=1x3x8x8:int64",
            "input 'images' of net.onnx takes float32, not int64",
            "the type may be left out",
        ),
        ("summary net.onnx --input images", "invalid input: --input 'images'", "NAME=SIZExSIZE"),
        ("summary net.onnx --input images=1x0x8x8", "invalid input: --input 'images=1x0x8x8'", ""),
        ("summary net.onnx --imgsz 64 --backward", "--backward cannot be had of an ONNX file", "leave it out"),
        ("summary net.onnx --imgsz 64 --dtype float16", "--dtype float16 cannot be had", ""),
        ("summary net.onnx --imgsz 64 --device cuda", "--device cuda cannot be had", ""),
        ("summary net.onnx --imgsz 64 --nc 3", "nc cannot be changed in an ONNX file", "name the YAML"),
        ("summary net.onnx --scale n", "net.onnx has no scales", "leave out --scale"),
        ("summary nett.onnx", "there is no file 'nett.onnx'", "did you mean net.onnx?"),
        ("summary net.onnx --input 1x3x8x8", "the inputs of a file have names", "--input images=1x3x640x640"),
        ("summary tiny.yaml --input images=1x3x8x8", "the model's forward needs x, too", "add --input x=SHAPE"),
        ("parameternet net.onnx --what-if all", "net.onnx is a graph of operations, not a PyTorch module", "summary"),
    ],
)
def test_a_mistake_is_one_message(
    model: Path, archprof: Callable[[str], Result], line: str, message: str, hint: str
) -> None:
    result = archprof(line)
    text = " ".join(result.stderr.split())
    assert result.exit_code == 2
    assert message in text
    assert hint in text
    assert "Traceback" not in result.output


@pytest.mark.parametrize(("convention", "amount"), [("macs", MACS), ("all", 2 * MACS + ELEMENTWISE)])
def test_a_convention_of_the_exact_count(
    model: Path, archprof: Callable[[str], Result], convention: str, amount: int
) -> None:
    answer = profile(archprof(f"summary net.onnx --imgsz 64x96 --convention {convention} --format json"))
    reported = answer["reported"][convention]
    assert reported["operations"] == amount
    assert sum(share["amount"] for share in reported["shares"]) == amount
    table = archprof(f"summary net.onnx --imgsz 64x96 --convention {convention}")
    assert table.exit_code == 0


def test_a_convention_of_another_tool_is_said_not_to_be_there(model: Path, archprof: Callable[[str], Result]) -> None:
    result = archprof("summary net.onnx --imgsz 64 --convention fvcore")
    assert result.exit_code == 0
    assert "--convention fvcore cannot be given: it is a rule for PyTorch" in " ".join(result.stderr.split())


def test_a_pattern_takes_files_of_both_kinds(model: Path, archprof: Callable[[str], Result]) -> None:
    result = archprof("summary *.yaml net.onnx --imgsz 64 --format json")
    assert result.exit_code == 0, result.output
    assert [entry["variant"]["name"] for entry in json.loads(result.stdout)] == ["tiny", "net"]
    assert archprof("summary n*.onnx --imgsz 64").exit_code == 0


def test_python_gives_what_the_command_line_shows(model: Path, archprof: Callable[[str], Result]) -> None:
    answer = profile(archprof("summary net.onnx --imgsz 64x96 --format json"))
    from_python = ap.profile("net.onnx", imgsz=(64, 96))
    assert from_python.totals.macs == answer["totals"]["macs"]
    assert ap.profile("net.onnx", inputs={"images": (1, 3, 64, 96)}).totals == from_python.totals


COMMAND = """
import sys
from archprof.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print(sorted({"torch", "onnx", "onnxruntime"} & set(sys.modules)), file=sys.stderr)
"""

COUNT = """
import sys
from archprof.builder.options import Options
from archprof.pipeline import Request, graph_formats
from archprof.sources.reference import resolve
profile, _ = graph_formats.count(Request(resolve("net.onnx"), Options(size=(64,))))
assert profile.totals.macs
print(sorted({"torch", "onnx", "onnxruntime"} & set(sys.modules)), file=sys.stderr)
"""


def imported(code: str, folder: Path, *arguments: str) -> str:
    run = subprocess.run([sys.executable, "-c", code, *arguments], cwd=folder, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stderr.splitlines()[-1]


def test_a_command_imports_neither_torch_nor_onnx_and_the_process_that_counts_no_torch(model: Path) -> None:
    assert imported(COMMAND, model.parent, "summary", "net.onnx", "--imgsz", "64") == "[]"
    assert imported(COUNT, model.parent) == "['onnx']"


def test_the_cache_knows_a_file_by_what_is_read_of_it(model: Path, archprof: Callable[[str], Result]) -> None:
    def counted() -> bool:
        result = archprof("-v summary net.onnx --imgsz 64")
        assert result.exit_code == 0, result.output
        return "profiling net" in result.stderr

    assert counted()
    assert not counted()
    proto = onnx.load(model)
    proto.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.zeros((8, 3, 3, 3), np.float32), "conv.weight"))
    onnx.save(proto, model)
    assert counted()  # so few values may be sizes or axes, and are read
    next(entry for entry in proto.graph.node[0].attribute if entry.name == "strides").ints[:] = [1, 1]
    onnx.save(proto, model)
    assert counted()


def test_weights_are_not_read(model: Path, archprof: Callable[[str], Result]) -> None:
    proto = onnx.load(model)
    (model.parent / "sub").mkdir()
    onnx.save(proto, "out.onnx", save_as_external_data=True, location="sub/weights.bin", size_threshold=0)
    (model.parent / "sub" / "weights.bin").unlink(missing_ok=True)
    inside, outside = (
        profile(archprof(f"summary {name} --imgsz 64 --format json")) for name in ("net.onnx", "out.onnx")
    )
    assert outside["totals"] == inside["totals"]
    assert outside["file"]["weight_files"] == ["sub/weights.bin"]


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/passwd", "a/../../secret.bin", "C:\\secret.bin", ""])
def test_a_path_outside_the_folder_is_refused_and_not_opened(
    model: Path, archprof: Callable[[str], Result], location: str
) -> None:
    proto = onnx.load(model)
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    model.write_bytes(proto.SerializeToString())
    result = archprof("summary net.onnx --imgsz 64")
    assert result.exit_code == 2
    assert "is outside the model's folder" in " ".join(result.stderr.split())


def test_a_link_out_of_the_folder_is_refused(
    model: Path, archprof: Callable[[str], Result], tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "w.bin").write_bytes(b"\0" * 1024)
    (model.parent / "w.bin").symlink_to(elsewhere / "w.bin")
    proto = onnx.load(model)
    onnx.save(proto, "out.onnx", save_as_external_data=True, location="x.bin", size_threshold=0)
    (model.parent / "out.onnx").write_bytes((model.parent / "out.onnx").read_bytes().replace(b"x.bin", b"w.bin"))
    result = archprof("summary out.onnx --imgsz 64")
    assert result.exit_code == 2
    assert "is outside the model's folder" in " ".join(result.stderr.split())
