"""Building without memory stays clear of torch's compiler, whose import takes longer than a count."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("reference", ["yolo11n", "yolov13-DynamicConv"])
def test_a_count_does_not_import_torchs_compiler(reference: str) -> None:
    code = (
        "import sys\n"
        "from archprof.builder.options import Options\n"
        "from archprof.pipeline.counting import count_spec\n"
        "from archprof.sources.reference import resolve\n"
        f"assert count_spec(resolve({reference!r}), Options()).ledger.macs\n"
        "print('torch._dynamo' in sys.modules)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
