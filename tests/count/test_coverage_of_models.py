"""No model of timm or torchvision runs an operation without a formula."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

# What between them run most kinds of operations: convolutions of every sort and with weights of each sample's own,
# attention over windows, blocks, channels and halos, Fourier transforms, gathers, recurrence, interpolation, two
# images, clips, and boxes that are chosen by their values.
IN_CI = [
    "timm:tf_efficientnet_cc_b0_4e",
    "timm:swin_tiny_patch4_window7_224",
    "timm:xcit_nano_12_p16_224",
    "timm:halonet26t",
    "timm:lambda_resnet26t",
    "timm:volo_d1_224",
    "timm:sequencer2d_s",
    "timm:gcvit_xxtiny",
    "timm:eva02_tiny_patch14_224",
    "torchvision:mvit_v1_b",
    "torchvision:raft_small",
    "torchvision:deeplabv3_mobilenet_v3_large",
    "torchvision:fasterrcnn_mobilenet_v3_large_320_fpn",
]
PARTS = 16


def run(checkout: Path, *arguments: str) -> str:
    """What the tool prints, which must find nothing."""
    script = checkout / "tools" / "coverage_of_models.py"
    done = subprocess.run([sys.executable, str(script), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    return done.stdout


def test_representative_models_are_covered(checkout: Path) -> None:
    lines = run(checkout, *IN_CI).splitlines()
    assert lines[-1] == f"{len(IN_CI)} models, 0 of them not covered"
    # What needed values says so.
    assert [line.split(":")[1] for line in lines if "run on the CPU" in line] == [
        "fasterrcnn_mobilenet_v3_large_320_fpn"
    ]


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(1, PARTS + 1))
def test_every_model_is_covered(part: int, checkout: Path) -> None:
    assert "0 of them not covered" in run(checkout, "--part", f"{part}/{PARTS}")


def test_a_model_that_does_not_run_is_listed(checkout: Path) -> None:
    script = checkout / "tools" / "coverage_of_models.py"
    done = subprocess.run([sys.executable, str(script), "timm:no_such"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-2:] == ["1 models, 1 of them not covered", "  timm:no_such"]
