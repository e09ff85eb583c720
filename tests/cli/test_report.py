"""What `archprof report` calls its page."""

from __future__ import annotations

import pytest

from archprof.cli.report import default_name


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("models/best.pt2", "best.html"),
        ("best.onnx", "best.html"),
        ("weights.safetensors", "weights.html"),
        ("main:models/my.yaml", "my.html"),
        ("my.yaml?nc=5", "my.html"),
        ("net.py:make?depth=3", "make.html"),
        ("timm:vgg16.tv_in1k", "vgg16.tv_in1k.html"),  # a name with a point, and no file's extension
    ],
)
def test_a_report_is_called_as_its_model(reference: str, name: str) -> None:
    assert default_name([reference]) == name
