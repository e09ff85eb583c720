"""What bad ONNX files get: one message, exit code 2, nothing written, in little time and memory.

The sizes here are those at which a reader without bounds takes gigabytes or minutes; the tests' own time limit ends it.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from archprof.builder.options import Options
from archprof.errors import ArchprofError
from archprof.pipeline import Request, graph_formats
from archprof.pipeline.graph_formats import isolated
from archprof.sources.reference import resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from click.testing import Result

EXECUTABLE = str(Path(sysconfig.get_path("scripts"), "archprof"))
OPSETS = [helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)]


def info(name: str, shape: Sequence[int] | None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def model(
    *nodes: onnx.NodeProto,
    constants: Sequence[onnx.TensorProto] = (),
    functions: Sequence[onnx.FunctionProto] = (),
    output: str = "y",
) -> bytes:
    graph = helper.make_graph(
        list(nodes), "g", [info("x", [1, 3, 8, 8])], [helper.make_empty_tensor_value_info(output)], list(constants)
    )
    proto = helper.make_model(graph, opset_imports=OPSETS, functions=list(functions), ir_version=9)
    content: bytes = proto.SerializeToString()
    return content


def varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    return bytes([*encoded, value])


def field(number: int, content: bytes, length: int | None = None) -> bytes:
    """A field of bytes; ``length`` is what it says of itself."""
    return varint(number << 3 | 2) + varint(len(content) if length is None else length) + content


def file_with(graph: bytes) -> bytes:
    """A file of IR 9 and opset 17 with these fields in its graph."""
    return b"\x08\x09" + field(7, graph) + field(8, b"\x10\x11")


RELU = helper.make_node("Relu", ["x"], ["y"])
RELU_FIELD = field(1, RELU.SerializeToString())


def numbers(name: str, *values: int) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(values, np.int64), name)


def growing_loop() -> bytes:
    """2⁴⁰ trips, each of which makes a tensor of another shape."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["goes"]), helper.make_node("Concat", ["s", "x"], ["grown"], axis=0)],
        "body",
        [
            helper.make_tensor_value_info("trip", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            info("s", None),
        ],
        [helper.make_tensor_value_info("goes", TensorProto.BOOL, []), info("grown", None)],
    )
    true = numpy_helper.from_array(np.array(True), "true")
    return model(
        helper.make_node("Loop", ["trips", "true", "x"], ["y"], body=body), constants=[numbers("trips", 2**40), true]
    )


def functions_of_functions() -> bytes:
    """Twenty functions, each of which calls the one before it ten times: 10¹⁹ nodes."""
    functions = [helper.make_function("mine", "f0", ["a"], ["b"], [helper.make_node("Relu", ["a"], ["b"])], OPSETS)]
    for level in range(1, 20):
        names = ["a", *(f"t{index}" for index in range(9)), "b"]
        calls = [
            helper.make_node(f"f{level - 1}", [before], [behind], domain="mine") for before, behind in pairwise(names)
        ]
        functions.append(helper.make_function("mine", f"f{level}", ["a"], ["b"], calls, OPSETS))
    return model(helper.make_node("f19", ["x"], ["y"], domain="mine"), functions=functions)


def graph_in_graph(depth: int) -> bytes:
    node = RELU.SerializeToString()
    for _ in range(depth):
        node = field(4, b"If") + field(5, field(1, b"then_branch") + b"\xa0\x01\x05" + field(6, field(1, node)))
    return file_with(field(1, node))


CALLS_ITSELF = helper.make_function(
    "mine", "f", ["a"], ["b"], [helper.make_node("f", ["a"], ["b"], domain="mine")], OPSETS
)

BAD = {
    "empty": (b"", "the file is empty"),
    "zip": (b"PK\x03\x04" + bytes(50), "not an ONNX file: a zip archive, as PyTorch's checkpoints"),
    "pickle": (b"\x80\x02}q\x00.", "not an ONNX file: a pickle"),
    "page": (b"<html>not found</html>", "perhaps a web page"),
    "text": (b"hello world\n", "not an ONNX file, or a truncated one"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(90), "not an ONNX file"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS; `git lfs pull` fetches"),
    "runtime's own": (b"\x20\0\0\0ORTM" + bytes(50), "ONNX Runtime's own format"),
    "tflite": (b"\x20\0\0\0TFL3" + bytes(50), "a TensorFlow Lite model"),
    "zeros": (bytes(1000), "no field begins at 0"),
    "header of 10 GB": (b"\x08\x09" + field(7, bytes(100), 10 << 30), "a field of 10,737,418,240 bytes at 2 leads out"),
    "tensor of 10 GB": (file_with(RELU_FIELD + field(5, b"abc", 10 << 30)), "not an ONNX file, or a truncated one"),
    "cyclic": (
        model(helper.make_node("Relu", ["b"], ["y"]), helper.make_node("Relu", ["y"], ["b"])),
        "the graph is cyclic: Relu 'y' waits for its own result",
    ),
    "a name twice": (model(RELU, RELU), "Relu 'y' gives 'y', a name that exists already"),
    "a name from nowhere": (model(helper.make_node("Relu", ["z"], ["y"])), "nothing makes 'z'"),
    "a million nodes": (file_with(RELU_FIELD * 1_000_000), "more than 50,000 nodes"),
    "small attributes": (
        file_with(field(1, RELU.SerializeToString() + b"\x2a\x00" * 16_000_000)),
        "more than 400,000 entries",
    ),
    "small types": (file_with(RELU_FIELD + b"\x6a\x00" * 16_000_000), "more than 400,000 entries"),
    "small dimensions": (
        file_with(RELU_FIELD + field(13, field(2, field(1, field(2, b"\x0a\x00" * 14_000_000))))),
        "more than 4 MiB of declared types",
    ),
    "many inputs": (
        file_with(field(1, b"\x0a\x00" * 900_000 + field(2, b"y") + field(4, b"Sum"))),
        "more than 400,000 entries",
    ),
    "graphs in graphs": (graph_in_graph(3000), "more than 24 deep"),
    "functions of functions": (functions_of_functions(), "more than 50,000 nodes once its functions stand for"),
    "a function of itself": (
        model(helper.make_node("f", ["x"], ["y"], domain="mine"), functions=[CALLS_ITSELF]),
        "the function 'f' calls itself",
    ),
    "an endless loop": (growing_loop(), "its loops run more than 20,000 operations"),
    "a negative size": (
        model(
            helper.make_node("Conv", ["x", "w"], ["y"]),
            constants=[TensorProto(name="w", data_type=1, dims=[-4, 3, 3, 3])],
        ),
        "the tensor 'w' cannot be of -4×3×3×3 elements",
    ),
    "a huge result": (
        model(helper.make_node("Tile", ["x", "n"], ["y"]), constants=[numbers("n", *[2**40] * 4)]),
        "Tile 'y' cannot run on 1×3×8×8 and 4: its result would have",
    ),
    "a window that does not fit": (
        model(helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[20, 2])),
        "MaxPool 'y' cannot run on 1×3×8×8: 1×3×8×8 is smaller than the kernel",
    ),
    "elements that do not fill": (
        model(helper.make_node("Reshape", ["x", "s"], ["y"]), constants=[numbers("s", 5, 5)]),
        "192 elements do not fill 5×5",
    ),
    "no input": (model(helper.make_node("Conv", [], ["y"])), "Conv 'y' cannot run"),
    "opset 999": (
        model(RELU).replace(b"\x10\x11", b"\x10\xe7\x07").replace(b"B\x04\n\x00", b"B\x05\n\x00"),
        "opset 999 of ai.onnx is not known",
    ),
    "a name that is no text": (
        model(helper.make_node("Relu", ["x"], ["y"], "name")).replace(b"name", b"n\xff\xfe!"),
        "not UTF-8",
    ),
}


@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
def test_a_bad_file_is_one_message(folder: Path, content: bytes, message: str) -> None:
    (folder / "bad.onnx").write_bytes(content)
    outcome, _ = graph_formats.count(Request(resolve("bad.onnx"), Options()))
    assert isinstance(outcome, ArchprofError)
    assert message in outcome.message
    assert outcome.exit_code == 2
    assert sorted(path.name for path in folder.iterdir()) == ["bad.onnx", "tiny.yaml"]


@pytest.mark.parametrize(
    "content", [BAD["a million nodes"][0], BAD["small attributes"][0]], ids=["nodes", "attributes"]
)
def test_a_large_file_takes_little_memory(folder: Path, content: bytes, peak_kib: str) -> None:
    (folder / "bad.onnx").write_bytes(content)
    code = (
        "from archprof.builder.options import Options\n"
        "from archprof.pipeline import Request, graph_formats\n"
        "from archprof.sources.reference import resolve\n"
        "outcome, _ = graph_formats.count(Request(resolve('bad.onnx'), Options()))\n"
        f"print({peak_kib}, outcome.exit_code)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    peak, exit_code = map(int, run.stdout.split())
    assert exit_code == 2
    assert peak < 1024 * 1024


def test_the_command_line_says_it_once(folder: Path) -> None:
    (folder / "bad.onnx").write_bytes(BAD["cyclic"][0])
    run = subprocess.run([EXECUTABLE, "summary", "bad.onnx"], cwd=folder, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr == "error: bad.onnx: the graph is cyclic: Relu 'y' waits for its own result\n"


def test_every_beginning_of_a_file_is_one_message(folder: Path) -> None:
    content = model(RELU)
    # What ends with its graph and ONNX's own opset is whole: the other opset is of nothing that it uses.
    whole = len(content) - len(field(8, OPSETS[1].SerializeToString()))
    for end in range(len(content)):
        (folder / "part.onnx").write_bytes(content[:end])
        outcome, _ = graph_formats.count(Request(resolve("part.onnx"), Options()))
        assert isinstance(outcome, ArchprofError) == (end != whole), end


def test_a_folder_of_that_name(folder: Path, archprof: Callable[[str], Result]) -> None:
    (folder / "net.onnx").mkdir()
    result = archprof("summary net.onnx")
    assert result.exit_code == 2
    assert "net.onnx: a folder without a model" in result.stderr


def test_an_operator_that_nothing_knows_is_named(folder: Path, archprof: Callable[[str], Result]) -> None:
    (folder / "new.onnx").write_bytes(
        model(helper.make_node("Relux", ["x"], ["z"]), helper.make_node("Relu", ["z"], ["y"]))
    )
    result = archprof("summary new.onnx")
    assert result.exit_code == 0
    assert "no formula  Relu 1× · Relux 1×" in result.stdout
    assert "nothing is known of the operator Relux" in " ".join(result.stderr.split())


def test_a_library_that_ends_takes_nothing_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ends_as_a_library_in_c.py").write_text("import os\nos.abort()\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    process = isolated.run_module("ends_as_a_library_in_c", b"", 60)
    assert isolated.how_it_ended(process) == "died: Aborted"


def test_a_file_in_the_working_folder_is_not_imported(folder: Path) -> None:
    (folder / "onnx.py").write_text("raise SystemExit(7)\n", encoding="utf-8")
    (folder / "net.onnx").write_bytes(model(RELU))
    outcome, _ = isolated.count(Request(resolve("net.onnx"), Options()))
    assert not isinstance(outcome, ArchprofError)
