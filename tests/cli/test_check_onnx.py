"""Budgets that hold ONNX files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

BUDGETS = """\
[[budgets]]
variants = ["exported/*.onnx"]
imgsz = 64
flops = {max = "2 M"}
parameters = {max_increase = 0}
"""


def save(path: Path, channels: int) -> None:
    """A convolution, 3×3, of an image to so many channels: 27 · channels weights, and 64² times as many products."""
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"], pads=[1] * 4)],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, "height", "width"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.ones((channels, 3, 3, 3), np.float32), "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


@pytest.fixture
def exported(folder: Path) -> Path:
    (folder / "exported").mkdir()
    (folder / "archprof.toml").write_text(BUDGETS, encoding="utf-8")
    save(folder / "exported" / "net.onnx", 8)
    return folder / "exported" / "net.onnx"


def test_a_budget_holds_a_file(exported: Path, archprof: Callable[[str], Result]) -> None:
    # 2 · 64² · 8 · 27 = 1,769,472 FLOPs
    assert archprof("check").exit_code == 0
    save(exported, 10)  # 2,211,840
    result = archprof("check")
    assert result.exit_code == 1
    assert "exported/net.onnx" in result.stdout


def test_the_lock_file_holds_it(exported: Path, archprof: Callable[[str], Result]) -> None:
    assert archprof("check --update-lock").exit_code == 0
    assert archprof("check").exit_code == 0
    save(exported, 9)  # 243 parameters, where there were 216, and 1,990,656 FLOPs
    result = archprof("check")
    assert result.exit_code == 1
    assert "243" in result.stdout


def test_a_file_that_cannot_be_judged_is_exit_code_2(exported: Path, archprof: Callable[[str], Result]) -> None:
    exported.write_bytes(b"no graph")
    result = archprof("check")
    assert result.exit_code == 2
    assert "not an ONNX file" in " ".join(result.output.split())


def test_a_file_that_has_not_changed_is_not_counted_again(exported: Path, archprof: Callable[[str], Result]) -> None:
    first, second = archprof("-v check"), archprof("-v check")
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "profiling net" in first.stderr
    assert "profiling" not in second.stderr


@pytest.mark.parametrize("name", ["images", "images:0", "serving/x.1"])
def test_shapes_of_inputs_by_name(name: str, exported: Path, archprof: Callable[[str], Result]) -> None:
    """A matrix product of [rows, 4] with 4 × 5 weights: no size of an image tells its rows."""
    exported.unlink()
    graph = helper.make_graph(
        [helper.make_node("MatMul", [name, "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["first", "rows", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.ones((4, 5), np.float32), "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, exported.with_name("product.onnx"))
    budgets = exported.parents[1] / "archprof.toml"

    def write(rows: int, shape: str) -> None:
        text = BUDGETS.replace("imgsz = 64", f'input = ["{name}={shape}"]').replace("2 M", str(2 * rows * 4 * 5))
        budgets.write_text(text, encoding="utf-8")

    write(3 * 7, "3x7x4")
    assert archprof("check --update-lock").exit_code == 0
    assert archprof("check").exit_code == 0
    assert archprof("compare archprof.lock.json exported/product.onnx").exit_code == 0
    write(3 * 7 - 1, "3x7x4")
    assert archprof("check").exit_code == 1
    write(3 * 7, "3x0")
    result = archprof("check")
    assert result.exit_code == 2
    assert "must be inputs" in " ".join(result.output.split())


def test_globs_of_other_artefacts(exported: Path, archprof: Callable[[str], Result]) -> None:
    import torch

    torch.save({"w": torch.zeros(3, 5)}, exported.with_name("weights.pt"))
    (exported.parents[1] / "archprof.toml").write_text(
        '[[budgets]]\nvariants = ["exported/*.pt", "exported/*.onnx"]\nparameters = {max = 300}\nimgsz = 64\n',
        encoding="utf-8",
    )
    assert archprof("check").exit_code == 0
    torch.save({"w": torch.zeros(31, 10)}, exported.with_name("weights.pt"))
    result = archprof("check")
    assert result.exit_code == 1
    assert "exported/weights.pt" in result.stdout
