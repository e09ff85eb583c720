"""Sweeps end to end from Python: what is counted, what is counted again, and what comes of it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

import archprof
from archprof import cache
from archprof.builder.options import Options
from archprof.errors import UsageError
from archprof.latency import calibration_store
from archprof.pipeline import ExecutionConfig
from archprof.pipeline.progress import SILENT
from archprof.sweep.plan import Plan
from archprof.sweep.store import Store
from archprof.sweep.sweeping import plan_rows, plan_table, tables
from archprof.sweep.sweeping import sweep as fill

if TYPE_CHECKING:
    from pathlib import Path

    from archprof.records.calibration import Calibration


def test_every_variant_is_what_a_profile_of_it_is(variant: Path) -> None:
    result = archprof.sweep(variant.name, vary={"nc": [2, 5], "imgsz": [32, 64]}, x="flops", y="parameters")
    assert [row.point for row in result.rows] == [{"nc": nc, "imgsz": size} for nc in (2, 5) for size in (32, 64)]
    for row in result.rows:
        profile = archprof.profile(variant.name, nc=row.point["nc"], imgsz=row.point["imgsz"])
        assert row.figures["flops"] == profile.totals.flops
        assert row.figures["parameters"] == profile.totals.parameters
        assert row.figures["peak_activation_bytes"] == profile.totals.peak_activation_bytes
        assert row.shapes == profile.input.shapes
    assert result.front is not None
    assert result.front.members == [0]  # the smallest in both


def test_a_variant_that_does_not_build_is_a_row_with_its_error_and_line(variant: Path) -> None:
    result = archprof.sweep(variant.name, vary={"row 0 args[0]": [8, -8], "imgsz": [32, 64]})
    failed = [row for row in result.rows if row.error]
    assert [row.point["row 0 args[0]"] for row in failed] == [-8, -8]
    assert {row.line for row in failed} == {6}
    assert "tiny.yaml:6" in str(failed[0].error)
    assert all(row.figures for row in result.rows if not row.error)


def test_values_that_cannot_be_combined_are_rows_too(tmp_path: Path, monkeypatch: object) -> None:
    path = tmp_path / "both.yaml"
    path.write_text(
        "nc: 2\nbackbone:\n  - [-1, 1, Conv, [8, 3, 2]]\nhead:\n  - [-1, 1, Classify, [nc]]\n", encoding="utf-8"
    )
    result = archprof.sweep(str(path), vary={"row 0 module": ["Conv", "nn.Conv2d"], "row 0 args[2]": [2, 1]})
    assert [bool(row.error) for row in result.rows] == [False, False, True, True]


def test_what_is_there_is_not_counted_again_until_it_changes(variant: Path) -> None:
    config, store = ExecutionConfig(), Store(variant.with_name("sweep.db"))
    first = Plan(reference=variant.name, axes={"imgsz": [32, 64]})
    assert fill(first, store, config, SILENT) == 2
    assert fill(first, store, config, SILENT) == 0
    more = Plan(reference=variant.name, axes={"imgsz": [32, 64, 96]})
    assert fill(more, store, config, SILENT) == 1
    variant.write_text(variant.read_text(encoding="utf-8").replace("[8, 3, 2]", "[16, 3, 2]"), encoding="utf-8")
    assert fill(Plan(reference=variant.name, axes={"imgsz": [32, 64]}), store, config, SILENT) == 2
    (everything,) = tables(variant.with_name("sweep.db"))
    assert [row.point["imgsz"] for row in everything.rows] == [32, 64, 96]


def test_a_table_has_the_variants_of_its_plan_whatever_else_is_in_the_store(variant: Path) -> None:
    path = variant.with_name("sweep.db")
    archprof.sweep(variant.name, vary={"nc": [2, 3], "imgsz": [32, 64]}, store=path)
    resumed = archprof.sweep(variant.name, vary={"nc": [2, 4], "imgsz": [32, 64]}, store=path)
    fresh = archprof.sweep(variant.name, vary={"nc": [2, 4], "imgsz": [32, 64]})
    assert resumed.to_json() == fresh.to_json()


def test_a_table_is_sorted_by_the_values_of_its_axes(variant: Path) -> None:
    result = archprof.sweep(variant.name, vary={"row 1 args[0]": ["nc", 640, 64], "imgsz": [320, 64]})
    assert [list(row.point.values()) for row in result.rows] == [
        *([64, 64], [64, 320], [640, 64], [640, 320]),
        *(["nc", 64], ["nc", 320]),
    ]


def test_variants_are_the_same_in_whatever_order_axes_are_typed(variant: Path) -> None:
    config, store = ExecutionConfig(), Store(variant.with_name("sweep.db"))
    assert fill(Plan(reference=variant.name, axes={"nc": [2, 3], "imgsz": [32, 64]}), store, config, SILENT) == 4
    turned = Plan(reference=variant.name, axes={"imgsz": [32, 64], "nc": [2, 3]})
    assert fill(turned, store, config, SILENT) == 0
    result = plan_table(turned, plan_rows(turned, store))
    assert [[row.point[name] for name in result.axes] for row in result.rows] == [[32, 2], [32, 3], [64, 2], [64, 3]]


def test_sweeps_of_other_setups_lie_beside_each_other(variant: Path) -> None:
    path = variant.with_name("sweep.db")
    one = archprof.sweep(variant.name, vary={"imgsz": [32, 64]}, store=path)
    two = archprof.sweep(variant.name, vary={"imgsz": [32, 64]}, nc=9, store=path)
    assert one.rows[0].figures["parameters"] < two.rows[0].figures["parameters"]
    assert len(Store(path).setups()) == 2


def test_processes_at_once_give_the_same_table(variant: Path) -> None:
    vary = {"nc": [2, 3, 4], "imgsz": [32, 64]}
    assert archprof.sweep(variant.name, vary=vary, jobs=2) == archprof.sweep(variant.name, vary=vary)


def test_a_condition_leaves_out_of_the_table_what_does_not_meet_it(variant: Path) -> None:
    result = archprof.sweep(variant.name, vary={"nc": [2, 3], "imgsz": [32, 64]}, where=["flops < 300 K", "nc > 2"])
    # Conv 3 -> 8, 3×3, stride 2 on 32×32: 16·16·8·27 = 55,296 MACs. Classify: a convolution 8 -> 1280 on 16×16,
    # 16·16·8·1280 = 2,621,440 MACs. So every variant has more than 300 K.
    assert result.rows == []
    assert result.left_out == 2


def test_a_condition_leaves_out_before_counting_what_rows_that_are_known_exceed(
    variant: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "enabled", True)
    monkeypatch.setenv("ARCHPROF_CACHE_DIR", str(variant.with_name("cache")))
    path, limits = variant.with_name("sweep.db"), {"56 K": 0, "55 K": 2}
    archprof.sweep(variant.name, vary={"nc": [2, 3]}, imgsz=32, store=path)
    # Conv 3 -> 8, 3×3, stride 2 on 32×32: 16·16·8·27 = 55,296 MACs, which is known whatever the number of classes.
    for number, (limit, pruned) in enumerate(limits.items()):
        store = Store(variant.with_name(f"{number}.db"))
        plan = Plan(reference=variant.name, axes={"nc": [4, 5]}, where=[f"macs < {limit}"], build=Options(size=(32,)))
        assert fill(plan, store, ExecutionConfig(), SILENT) == 2 - pruned
        result = plan_table(plan, plan_rows(plan, store))
        assert (result.rows, result.left_out) == ([], 2)


def calibrate(figures: Calibration, factor: float) -> None:
    """Keep figures as those of this computer, where everything takes several times as long."""
    slower = {"operation_s": factor * figures.operation_s, "measured_at": f"2026-01-02T03:04:0{factor:.0f}+00:00"}
    device = calibration_store.this_device("float32")
    calibration_store.keep(
        replace(figures, device=device, default_threads=figures.threads, held_out={"other": 1.25}, **slower)
    )


def test_what_was_predicted_is_predicted_again_after_a_calibration(
    variant: Path, monkeypatch: pytest.MonkeyPatch, round_figures: Calibration
) -> None:
    monkeypatch.setenv("ARCHPROF_CACHE_DIR", str(variant.with_name("cache")))
    vary, store = {"nc": [2, 3]}, variant.with_name("sweep.db")
    with pytest.raises(UsageError, match="latency cannot be predicted: this computer was not calibrated") as caught:
        archprof.sweep(variant.name, vary=vary, store=store, latency=True)
    assert caught.value.hint == "`archprof calibrate` measures it, once"

    times = []
    for factor in (1.0, 1.0, 4.0):
        calibrate(round_figures, factor)
        rows = archprof.sweep(variant.name, vary=vary, store=store, latency=True).rows
        times.append([row.prediction.seconds for row in rows if row.prediction])
    assert len(times[0]) == 2
    assert times[0] == times[1]
    assert all(slow > fast for fast, slow in zip(times[1], times[2], strict=True))


DRIVER = """
import sys, archprof
archprof.sweep("tiny.yaml", vary={"nc": range(2, 98)}, imgsz=32, store="sweep.db")
"""


def test_a_driver_that_is_killed_goes_on_and_ends_at_the_same_table(variant: Path) -> None:
    store = variant.with_name("sweep.db")
    process = subprocess.Popen([sys.executable, "-c", DRIVER], cwd=variant.parent)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if store.exists() and store.with_name("sweep.db-wal").exists():
            opened = Store(store)
            rows = sum(len(opened.rows(setup)) for setup in opened.setups())
            opened.close()
            if rows:
                break
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    opened = Store(store)
    before = sum(len(opened.rows(setup)) for setup in opened.setups())
    opened.close()
    assert 0 < before < 96
    resumed = archprof.sweep("tiny.yaml", vary={"nc": list(range(2, 98))}, imgsz=32, store=store)
    fresh = archprof.sweep("tiny.yaml", vary={"nc": list(range(2, 98))}, imgsz=32)
    assert resumed.to_json() == fresh.to_json()
    assert {path.name for path in variant.parent.iterdir()} <= {
        "tiny.yaml",
        *(f"sweep.db{end}" for end in ("", "-wal", "-shm")),
    }
