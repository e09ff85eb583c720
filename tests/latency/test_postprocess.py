from __future__ import annotations

from typing import Any

import torch

from archprof.builder.options import Options
from archprof.latency.backends.interface import Settings, forward
from archprof.latency.postprocess import suppressed
from archprof.pipeline.counting import prepare
from archprof.sources.reference import resolve


def test_boxes_of_each_image_are_what_passes_the_threshold() -> None:
    built, inputs = prepare(resolve("yolov8n.yaml"), Options(size=(160, 160), batch=2, device="cpu"))
    plain = forward(built.module, inputs, Settings())

    boxes: list[Any] = suppressed(plain, built)()

    # 20 x 20 + 10 x 10 + 5 x 5 = 525 anchors an image, of which 300 on average pass: suppression has work, and returns
    # boxes of four corners, a score and a class.
    assert plain()[0].shape == (2, 84, 525)
    assert len(boxes) == 2
    for one in boxes:
        assert one.shape[1] == 6
        assert 0 < one.shape[0] <= 300
        assert torch.all(one[:, :4].isfinite())
