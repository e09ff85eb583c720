"""Formulas of sizes, of counts whose polynomial is known, and of files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from archprof.builder.input_spec import InputSpec
from archprof.builder.options import Options
from archprof.errors import RunError, UsageError
from archprof.pipeline import Request
from archprof.pipeline.graph_formats import count
from archprof.pipeline.size_formulas import compute
from archprof.pipeline.size_formulas.fit import Axis, fit
from archprof.sources.reference import resolve

if TYPE_CHECKING:
    from pathlib import Path

AXES = (Axis("batch", "b", 1), Axis("height", "h", 640), Axis("width", "w", 512))

powers = st.tuples(st.integers(0, 1), st.integers(0, 2), st.integers(0, 2))


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(powers, st.tuples(st.integers(1, 10**9), st.integers(0, 10**9)), max_size=4), st.data())
def test_a_polynomial_is_found_to_the_unit(
    terms: dict[tuple[int, int, int], tuple[int, int]], data: st.DataObject
) -> None:
    def count_at(sizes: tuple[int, ...]) -> tuple[int, int]:
        batch, height, width = sizes[0], sizes[1] // 8, sizes[2] // 8  # what a stride of 8 leaves
        sums = [0, 0]
        for (first, second, third), factors in terms.items():
            for kind in (0, 1):
                sums[kind] += factors[kind] * batch**first * height**second * width**third
        return sums[0], sums[1]

    formula = fit(AXES, count_at)
    batch = data.draw(st.integers(1, 64))
    # Any size that every multiple divides.
    height, width = (8 * data.draw(st.integers(1, 400)) for _ in range(2))
    assert all(variable.multiple in (1, 8) for variable in formula.variables)
    assert (formula.macs((batch, height, width)), formula.elementwise_flops((batch, height, width))) == count_at(
        (batch, height, width)
    )


def test_a_factor_need_not_be_whole() -> None:
    # A triangle, as of a causal mask: n (n + 1) / 2.
    formula = fit((Axis("length", "l", 16),), lambda sizes: (sizes[0] * (sizes[0] + 1) // 2, 0))
    assert formula.denominator == 2
    assert formula.macs((100,)) == 5050


def test_what_is_no_polynomial_is_said_to_be_none() -> None:
    with pytest.raises(RunError, match="no polynomial of length"):
        fit((Axis("length", "l", 16),), lambda sizes: (2 ** sizes[0], 0))
    # Another one for small sizes, where nothing of it was counted but the check.
    with pytest.raises(RunError, match="no polynomial of its sizes"):
        fit((Axis("length", "l", 640),), lambda sizes: (max(sizes[0], 600), 0))


def test_it_is_refused_where_nothing_could_be_checked() -> None:
    def count_at(sizes: tuple[int, ...]) -> tuple[int, int]:
        if not 64_000 <= sizes[0] < 64_006:  # as many sizes as tell the degree
            raise RunError("too long")
        return sizes[0], 0

    with pytest.raises(RunError, match="could not be checked"):
        fit((Axis("length", "l", 64_000),), count_at)


def network(path: Path) -> Path:
    """A convolution, 3×3 of 3 to 4 channels, stride 2, padding 1; every place with every other: X · Xᵀ."""
    nodes = [
        helper.make_node("Conv", ["images", "weight"], ["c"], strides=[2, 2], pads=[1] * 4),
        helper.make_node("Reshape", ["c", "shape"], ["f"]),
        helper.make_node("Transpose", ["f"], ["t"], perm=[1, 0]),
        helper.make_node("MatMul", ["t", "f"], ["out"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, "height", "width"])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)],
        [
            numpy_helper.from_array(np.ones((4, 3, 3, 3), np.float32), "weight"),
            numpy_helper.from_array(np.array([4, -1], np.int64), "shape"),
        ],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def macs_at(path: Path, options: Options) -> tuple[int, int]:
    answer, _ = count(Request(resolve(str(path)), options))
    assert not isinstance(answer, Exception), answer
    return answer.totals.macs, answer.totals.elementwise_flops


def test_an_onnx_file(tmp_path: Path) -> None:
    path = network(tmp_path / "net.onnx")
    formula = compute(Request(resolve(str(path)), Options(size=(64,))))
    assert [(variable.axis, variable.multiple) for variable in formula.variables] == [("height", 2), ("width", 2)]
    # p = h · w places, h and w being halves: 4 channels · 27 products at each, and 4 for each pair of them.
    assert {tuple(term.powers): term.macs for term in formula.terms} == {(1, 1): 108, (2, 2): 4}
    for height, width in ((32, 32), (96, 40), (640, 1280)):
        counted = macs_at(path, Options(size=(height, width)))
        assert (formula.macs((height, width)), formula.elementwise_flops((height, width))) == counted


class Attention(nn.Module):
    """Every token with every other."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(10, 8)
        self.mix = nn.Linear(8, 8)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.mix(self.table(tokens))
        return torch.softmax(x @ x.transpose(1, 2), -1) @ x


def test_an_exported_program(tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    shapes = ({0: torch.export.Dim("batch"), 1: torch.export.Dim("length")},)
    tokens = torch.ones(2, 6, dtype=torch.int64)
    torch.export.save(torch.export.export(Attention().eval(), (tokens,), dynamic_shapes=shapes, strict=False), path)
    formula = compute(Request(resolve(str(path)), Options()))
    assert [variable.axis for variable in formula.variables] == ["tokens[0]", "tokens[1]"]
    # 8 · 8 a token; 8 for each pair of tokens, twice.
    assert {tuple(term.powers): term.macs for term in formula.terms if term.macs} == {(1, 1): 64, (1, 2): 16}
    for batch, length in ((1, 5), (3, 128)):
        counted = macs_at(path, Options(inputs=(InputSpec(name="tokens", shape=(batch, length)),)))
        assert (formula.macs((batch, length)), formula.elementwise_flops((batch, length))) == counted


def test_a_file_whose_axes_have_sizes(tmp_path: Path) -> None:
    path = network(tmp_path / "net.onnx")
    proto = onnx.load(path)
    for axis in (2, 3):
        proto.graph.input[0].type.tensor_type.shape.dim[axis].dim_value = 32
    onnx.save(proto, path)
    with pytest.raises(UsageError, match="every axis of"):
        compute(Request(resolve(str(path)), Options()))
