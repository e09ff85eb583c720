"""The figures that articles print of YOLO variants, and what really runs."""

from __future__ import annotations

import pytest

from archprof.builder.options import Options
from archprof.pipeline.counting import profile_spec
from archprof.sources.reference import resolve

POSE = {"nc": 1, "kpt_shape": [21, 3]}

# variant, settings, fused; modules, parameters, trainable parameters and GFLOPs as printed (sources: claims.yaml
# of the families); GFLOPs that run, from an independent count, where there is one.
ARTICLES = [
    ("yolov13", {"nc": 6}, False, 648, 2_461_081, 2_461_065, 6.4, 7.083),
    ("yolov13-DynamicConv", {"nc": 6}, False, 641, 4_621_033, 4_621_017, 6.2, 8.111),
    ("yolov13-pose", POSE, True, 554, 2_821_743, 0, 7.7, 8.557),
    ("yolov13-pose-PST", POSE, True, 538, 2_796_655, 0, 7.4, 9.719),
    ("yolov10n-DynamicConv-1", {"nc": 25}, False, 385, 2_896_642, 2_896_626, 7.8, None),
    ("yolov10n-DynamicConv-2", {"nc": 25}, False, 370, 4_898_318, 4_898_302, 7.6, None),
]

# YOLOv13's project page: scale, millions of parameters, GFLOPs; 80 classes, fused.
PROJECT_PAGE = [("n", 2.5, 6.4), ("s", 9.0, 20.8), ("l", 27.6, 88.4), ("x", 64.0, 199.2)]


@pytest.mark.parametrize(
    ("name", "values", "fuse", "modules", "parameters", "trainable", "printed", "runs"),
    ARTICLES,
    ids=[row[0] for row in ARTICLES],
)
def test_articles(name, values, fuse, modules, parameters, trainable, printed, runs):
    profile = profile_spec(resolve(name, scale="n").with_values(values), Options(fuse=fuse))
    totals = profile.totals
    assert (totals.modules, totals.parameters, totals.trainable_parameters) == (modules, parameters, trainable)
    assert round(profile.reported["thop-2.0"].gflops, 1) == printed
    assert not profile.coverage.unknown
    if runs is not None:
        assert round(totals.flops / 1e9, 3) == runs


@pytest.mark.parametrize(
    ("scale", "parameters", "gflops"),
    [PROJECT_PAGE[0], *(pytest.param(*row, marks=pytest.mark.full) for row in PROJECT_PAGE[1:])],
)
def test_project_page(scale, parameters, gflops):
    profile = profile_spec(resolve("yolov13", scale=scale), Options(fuse=True))
    assert round(profile.totals.parameters / 1e6, 1) == parameters
    assert round(profile.reported["thop-2.0"].gflops, 1) == gflops
