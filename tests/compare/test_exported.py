"""A YAML beside what was exported from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx
import pytest

import archprof
from archprof.render.comparison import report

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from archprof.records.comparison import Comparison, Pair


def pair(comparison: Comparison) -> Pair:
    (only,) = comparison.pairs
    return only


def test_the_rows_of_a_yaml_are_found_in_its_export(export_onnx: Callable[..., Path]) -> None:
    path = export_onnx("yolo11n.yaml", 128)
    compared = pair(archprof.compare("yolo11n.yaml", str(path), imgsz=128))
    assert compared.parts == "rows"
    assert [change.flops for change in compared.changes] == [0] * 24
    # Each normalisation of C channels has 2 C parameters, and leaves a bias of C. Row 0 gives 16 channels.
    assert compared.changes[0].parameters == -16
    normalisations = sum("BatchNorm" in module.type for module in archprof.profile("yolo11n.yaml", imgsz=128).modules)
    assert f"{normalisations} normalisations folded into convolutions" in compared.export
    assert "all 24 rows have the MACs of the YAML" in compared.export


def test_the_file_may_come_first(export_onnx: Callable[..., Path]) -> None:
    path = export_onnx("yolo11n.yaml", 128)
    compared = pair(archprof.compare(str(path), "yolo11n.yaml", imgsz=128))
    assert compared.changes[0].parameters == 16
    assert "all 24 rows have the MACs of the YAML" in compared.export


def test_a_file_of_another_size_says_what_to_type(export_onnx: Callable[..., Path]) -> None:
    compared = pair(archprof.compare("yolo11n.yaml", str(export_onnx("yolo11n.yaml", 128))))
    text = "the file takes 128 and the YAML was counted at 640: --imgsz 128 counts it at the same"
    assert text in compared.export
    assert not any("MACs" in line for line in compared.export)


def test_another_width_is_named(export_onnx: Callable[..., Path]) -> None:
    compared = pair(archprof.compare("yolo11s.yaml", str(export_onnx("yolo11n.yaml", 128)), imgsz=128))
    # Scale s has twice the width of n.
    assert any(
        "another width in row 0 (Conv, 32 → 16 channels), row 1 (Conv, 64 → 32" in text for text in compared.export
    )
    assert any(text.startswith("other MACs in rows 0, 1, 2, 3 and ") for text in compared.export)


def test_the_head_that_needs_nms_is_named_where_the_yaml_is_end_to_end(export_onnx: Callable[..., Path]) -> None:
    path = export_onnx("yolo26n.yaml", 128)  # folding keeps the one-to-many head
    compared = pair(archprof.compare("yolo26n.yaml", str(path), imgsz=128))
    assert "row 23 (Detect): one2one_cv2, one2one_cv3 not in the file" in compared.export
    assert "the YAML is end2end, and the file has the one-to-many head: its boxes need NMS" in compared.export


@pytest.mark.parametrize(
    "prefix",
    ["wrapper.network.", *(pytest.param(text, marks=pytest.mark.full) for text in ("", "model."))],
)
def test_a_name_before_every_path_is_undone(export_onnx: Callable[..., Path], prefix: str) -> None:
    path = export_onnx("yolo11n.yaml", 128)
    proto = onnx.load(path)
    scopes = "".join(f"{part}/" for part in prefix.split(".") if part)
    for node in proto.graph.node:
        node.name = node.name.replace("/module/", f"/{scopes}")
    onnx.save(proto, path)
    compared = pair(archprof.compare("yolo11n.yaml", str(path), imgsz=128))
    assert "all 24 rows have the MACs of the YAML" in compared.export


def without_node_names(path: Path) -> onnx.ModelProto:
    proto = onnx.load(path)
    for index, node in enumerate(proto.graph.node):
        node.name = f"node{index}"
    return proto


@pytest.mark.parametrize(
    "suffix", ["_quantized", *(pytest.param(text, marks=pytest.mark.full) for text in ("", "_Q4"))]
)
def test_rows_are_found_by_the_names_of_weights(export_onnx: Callable[..., Path], suffix: str) -> None:
    path = export_onnx("yolo11n.yaml", 128)
    proto = without_node_names(path)
    names = {tensor.name: f"{tensor.name}{suffix}" for tensor in proto.graph.initializer}
    for tensor in proto.graph.initializer:
        tensor.name = names[tensor.name]
    for node in proto.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
    onnx.save(proto, path)
    compared = pair(archprof.compare("yolo11n.yaml", str(path), imgsz=128))
    # The products of attention read no weight, so that row 10 is short of them: 2 heads, 4·4 positions, keys of 32 and
    # values of 64 channels, twice 16 · 16 · (32 + 64) MACs.
    changed = {change.part.index: change.flops for change in compared.changes if change.flops}
    assert changed == {10: -2 * 2 * 16 * 16 * (32 + 64)}


@pytest.mark.parametrize("order", [1, -1])
def test_rows_of_a_file_without_names_are_found_by_order_and_shape(
    export_onnx: Callable[..., Path], order: int
) -> None:
    path = export_onnx("yolo11n.yaml", 128)
    proto = without_node_names(path)
    names = {tensor.name: f"w{index}" for index, tensor in enumerate(proto.graph.initializer)}
    for tensor in proto.graph.initializer:
        tensor.name = names[tensor.name]
    for node in proto.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
    onnx.save(proto, path)
    compared = pair(archprof.compare(*["yolo11n.yaml", str(path)][::order], imgsz=128))
    assert compared.parts == "rows"
    assert "the file has no names of modules or weights: rows were found by order and shape" in compared.export
    assert "all 24 rows have the MACs of the YAML" in compared.export
    # Each normalisation of C channels has 2 C parameters, and leaves a bias of C. Row 0 gives 16 channels.
    assert compared.changes[0].parameters == -16 * order


def test_a_file_of_another_network_without_names_has_no_rows(tmp_path: Path) -> None:
    values = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [2, 3]) for name in ("x", "y")]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "g", values[:1], values[1:])
    onnx.save(onnx.helper.make_model(graph, ir_version=8), tmp_path / "other.onnx")
    compared = pair(archprof.compare("yolo11n.yaml", str(tmp_path / "other.onnx"), imgsz=128))
    assert (compared.parts, compared.export) == ("none", [])


def test_two_files_are_compared_by_their_modules(export_onnx: Callable[..., Path]) -> None:
    fused = export_onnx("yolo11n.yaml", 128)
    other = fused.with_name("other.onnx")
    proto = onnx.load(fused)
    onnx.save(proto, other)
    compared = pair(archprof.compare(str(fused), str(other)))
    assert compared.parts == "modules"
    assert all(change.mark == "=" for change in compared.changes)


def test_the_report_says_it(export_onnx: Callable[..., Path]) -> None:
    from archprof.render import View

    comparison = archprof.compare("yolo11n.yaml", str(export_onnx("yolo11n.yaml", 128)), imgsz=128)
    conclusions = report(comparison, View()).conclusions
    assert "export: all 24 rows have the MACs of the YAML" in conclusions
