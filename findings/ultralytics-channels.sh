#!/usr/bin/env bash
# A YAML that says `channels: 6`, with a head that classifies and with one that detects.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages ultralytics==8.4.190 torch==2.14.1 numpy==2.4.6
export YOLO_CONFIG_DIR=$scratch YOLO_OFFLINE=true YOLO_AUTOINSTALL=false YOLO_VERBOSE=false
"$python" - <<'PYTHON'
import sys
from pathlib import Path

from ultralytics import YOLO

ROWS = """
nc: 2
channels: 6
backbone:
  - [-1, 1, Conv, [8, 3, 2]]
head:
  - [%s, 1, %s, [nc]]
"""
Path("classify.yaml").write_text(ROWS % ("-1", "Classify"))
Path("detect.yaml").write_text(ROWS % ("[0]", "Detect"))
channels = {task: YOLO(f"{task}.yaml", task=task).model.model[0].conv.in_channels for task in ("classify", "detect")}
print("a good guess: the first convolution takes 6 channels in both")
print("channels of the first convolution:", channels)
sys.exit(None if channels == {"classify": 6, "detect": 3} else "the behaviour has changed")
PYTHON
