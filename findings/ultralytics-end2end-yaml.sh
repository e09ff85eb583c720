#!/usr/bin/env bash
# A network is built from a YAML that says `end2end: True`, and is fused, which drops the branch that is not used.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages ultralytics==8.4.190 torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
export YOLO_CONFIG_DIR=$scratch
"$python" - <<'PYTHON'
import sys

from ultralytics.nn.tasks import DetectionModel

model = DetectionModel("yolo26n.yaml", verbose=False).eval()
head = model.model[-1]
print("a good guess: the head is end to end, and fusing keeps its NMS-free branch (one2one) and drops the other")
print("the YAML says end2end:", model.yaml["end2end"])
print("the head says end2end:", head.end2end)
model.fuse(verbose=False)
remaining = [name for name, module in head.named_children() if module is not None]
print("branches after fuse():", ", ".join(remaining))
same = model.yaml["end2end"] is True and head.end2end is False and "cv2" in remaining and "one2one_cv2" not in remaining
sys.exit(None if same else "the behaviour has changed")
PYTHON
