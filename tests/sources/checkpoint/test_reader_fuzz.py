"""Files with bytes changed, and YAMLs of anything: a result, or an error of ours."""

from __future__ import annotations

import io
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from archprof.errors import ArchprofError
from archprof.sources.checkpoint.contents import Checkpoint
from archprof.sources.checkpoint.error import CheckpointError
from archprof.sources.checkpoint.reader import read
from archprof.sources.checkpoint.variant import variant

if TYPE_CHECKING:
    from collections.abc import Callable


def saved(**options: Any) -> bytes:
    buffer = io.BytesIO()
    model = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1))
    torch.save({"model": model, "train_args": {"task": "detect"}}, buffer, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("data", [saved(), saved(_use_new_zipfile_serialization=False)], ids=["zip", "legacy"])
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(draw=st.data())
def test_files_with_bytes_changed(write: Callable[[str, bytes], Path], data: bytes, draw: st.DataObject) -> None:
    changed = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 5))):
        changed[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    cut = draw.draw(st.none() | st.integers(0, len(data)))

    with suppress(CheckpointError):
        read(write("model.pt", bytes(changed[:cut])))


text = st.text() | st.sampled_from(["nc", "n", "Conv", "None", "~", "- a: [", "\ud800", "\0", "yes", "1e5"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**127), 2**127) | st.floats() | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text | st.integers(), inner, max_size=4),
    max_leaves=12,
)
rows = st.lists(st.tuples(values, values, values, values).map(list) | values, max_size=3) | values


@given(
    st.dictionaries(text, values, max_size=3),
    st.fixed_dictionaries(
        {"backbone": rows}, optional={"head": rows, "scales": values, "scale": values, "yaml_file": values}
    ),
)
def test_any_yaml_is_a_variant_or_an_error_of_ours(keys: dict[str, Any], known: dict[str, Any]) -> None:
    checkpoint = Checkpoint(path=Path("best.pt"), kind="ultralytics", digest="", tensors={}, yaml=keys | known)

    with suppress(ArchprofError):
        variant(checkpoint)


@given(st.lists(st.tuples(st.just(-1), st.integers(1, 3), st.just("Conv"), st.lists(text)).map(list), min_size=1))
def test_rows_come_back_as_they_were(backbone: list[Any]) -> None:
    checkpoint = Checkpoint(
        path=Path("best.pt"), kind="ultralytics", digest="", tensors={}, yaml={"backbone": backbone}
    )
    try:
        spec = variant(checkpoint)
    except ArchprofError:  # text that YAML has no way to write
        assert any(not cell.isprintable() or "\ufeff" in cell for row in backbone for cell in row[3])
        return

    assert [[-1, row.repeats, row.module, list(row.arguments)] for row in spec.rows] == backbone
