"""Memory over the pass: each activation from the operation that makes it to its last use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.builder.options import Options
from archprof.pipeline.counting import profile_spec
from archprof.pipeline.memory_pass import memory_pass
from archprof.sources.reference import resolve

if TYPE_CHECKING:
    from pathlib import Path

NETWORK = """\
import torch
from torch import nn


class Net(nn.Module):
    input_size = (1, 2, 2)

    def forward(self, x):
        y = x.exp()
        z = torch.cat([y, y])
        return z + 1
"""


def test_what_is_held_while_each_operation_runs(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NETWORK, encoding="utf-8")
    spec = resolve(f"{tmp_path / 'net.py'}:Net")
    memory = memory_pass(spec, Options())
    # Four elements of four bytes: y has 16 B, z 32 B, the result 32 B. y is let go of after cat, and the input is no
    # activation: 16; 16 + 32 = 48; 32 + 32 = 64.
    assert [(moment.operation, moment.bytes) for moment in memory.moments] == [
        ("aten.exp", 16),
        ("aten.cat", 48),
        ("aten.add", 64),
    ]
    assert (memory.peak_bytes, memory.peak_index) == (64, 2)
    assert [(tensor.operation, tensor.shape, tensor.bytes) for tensor in memory.peak_tensors] == [
        ("aten.cat", [2, 1, 2, 2], 32),
        ("aten.add", [2, 1, 2, 2], 32),
    ]


def test_moments_are_of_rows_and_the_peak_is_the_profile_s(tmp_path: Path, tiny: str) -> None:
    (tmp_path / "tiny.yaml").write_text(tiny, encoding="utf-8")
    spec, options = resolve(str(tmp_path / "tiny.yaml")), Options(size=(64,))
    memory, profile = memory_pass(spec, options), profile_spec(spec, options)
    assert max(moment.bytes for moment in memory.moments) == memory.peak_bytes == profile.totals.peak_activation_bytes
    assert memory.rows == {layer.index: layer.module for layer in profile.layers}
    assert {moment.row for moment in memory.moments} == set(memory.rows)
