#!/usr/bin/env bash
# A model file of one's own that is called yolov8x6.yaml, and the same file under another name.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages ultralytics==8.4.190 torch==2.14.1 numpy==2.4.6
export YOLO_CONFIG_DIR=$scratch YOLO_OFFLINE=true YOLO_AUTOINSTALL=false
"$python" - <<'PYTHON'
import sys
from pathlib import Path

from ultralytics import YOLO

ROWS = """
nc: 2
backbone:
  - [-1, 1, Conv, [8, 3, 2]]
head:
  - [-1, 1, Classify, [nc]]
"""


def parameters(name):
    Path(name).write_text(ROWS)
    return sum(parameter.numel() for parameter in YOLO(name).model.parameters())


other, own = parameters("small.yaml"), parameters("yolov8x6.yaml")
print("a good guess: the file in the working folder is read, whatever it is called")
print(f"small.yaml has {other:,} parameters, and the same file as yolov8x6.yaml {own:,}")
sys.exit(None if other < 100_000 and own > 90_000_000 else "the behaviour has changed")
PYTHON
