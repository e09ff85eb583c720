"""What could never be run is refused, in seconds and without the memory that it would take."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from archprof.builder.load import build
from archprof.errors import BuildError
from archprof.sources.yaml_file import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from archprof.sources.spec import VariantSpec

HUGE = [
    # 3 × 333,333,333,336 weights in one convolution; the width is up to a multiple of 8.
    ("[-1, 1, Conv, [333333333333]]", "row 0: Conv: the model has more than 500,000,000,000 parameters"),
    # The same with a kernel of 10**6 × 10**6.
    ("[-1, 1, nn.Conv2d, [1, 1, 1000000]]", "row 0: nn.Conv2d: the model has more than 500,000,000,000 parameters"),
    ("[-1, 1000000000, Conv, [16]]", "row 0: Conv is repeated 1,000,000,000 times; 10,000 are allowed"),
    ("[-1, 1000000000, nn.Identity, []]", "row 0: nn.Identity is repeated 1,000,000,000 times; 10,000 are allowed"),
]


@pytest.mark.parametrize(("row", "message"), HUGE)
@pytest.mark.parametrize("device", ["meta", "cpu"])
def test_refused(variant: Callable[..., VariantSpec], row: str, message: str, device: str) -> None:
    with pytest.raises(BuildError) as caught:
        build(variant(row), device=device)
    assert caught.value.message == message
    assert caught.value.line == 2


def test_more_classes_than_have_names_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "many.yaml"
    file.write_text("backbone:\n  - [-1, 1, Conv, [8]]\nnc: 1000001\n", encoding="utf-8")
    with pytest.raises(BuildError, match="nc is 1,000,001; 1,000,000 classes are allowed") as caught:
        build(load(file))
    assert caught.value.line == 3


def test_many_modules_are_refused_in_a_gigabyte(tmp_path: Path, peak_kib: str) -> None:
    # One block that holds 10,000 bottlenecks of two convolutions, each with a batch norm and an activation.
    (tmp_path / "many.yaml").write_text("backbone:\n  - [-1, 10000, C2f, [8]]\n", encoding="utf-8")
    code = (
        "from archprof.sources import yaml_file; from archprof.builder.load import build\n"
        "try: build(yaml_file.load('many.yaml'))\n"
        "except Exception as error: print(error.line, error.message)\n"
        f"print({peak_kib})"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    told, peak = run.stdout.splitlines()
    assert told == "2 row 0: C2f: the model has more than 6,000 modules"
    assert int(peak) * 1024 < 1 << 30
