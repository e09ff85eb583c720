"""What is kept, what is found, and what is passed over."""

from __future__ import annotations

import os
from importlib import metadata
from typing import TYPE_CHECKING

import msgspec
import pytest

from archprof.errors import DeviceError, OutputError
from archprof.latency import calibration_store
from archprof.latency.processor import cpu_name

if TYPE_CHECKING:
    from pathlib import Path

    from archprof.records.calibration import Calibration


@pytest.fixture
def kept(round_figures: Calibration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Calibration:
    """A calibration of the device that this is, kept in a folder of the test's own."""
    monkeypatch.setattr(calibration_store, "folder", lambda: tmp_path / "calibrations")
    monkeypatch.setenv("OMP_NUM_THREADS", "8")  # whoever runs the tests may have another
    calibration = msgspec.structs.replace(round_figures, device=calibration_store.this_device("float32"))
    calibration_store.keep(calibration)
    return calibration


def test_what_was_kept_is_found(kept: Calibration) -> None:
    here = calibration_store.this_device("float32")

    assert calibration_store.find(here) == kept
    assert calibration_store.find(here, 2) == kept


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "another"),
        ("cpus", 99),
        ("dtype", "bfloat16"),
        ("torch", "1.0"),
        ("settings", {"OMP_NUM_THREADS": "99"}),
    ],
)
def test_another_device_s_is_not(kept: Calibration, field: str, value: object) -> None:
    assert calibration_store.find(msgspec.structs.replace(kept.device, **{field: value})) is None


def test_a_variable_that_changes_how_torch_computes_makes_another_device(
    kept: Calibration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")

    assert calibration_store.find(calibration_store.this_device("float32")) is None


def test_as_many_threads_as_torch_takes_unless_told(kept: Calibration) -> None:
    one_thread = msgspec.structs.replace(kept, threads=1)
    calibration_store.keep(one_thread)

    assert calibration_store.find(kept.device) == kept
    assert calibration_store.find(kept.device, 1) == one_thread
    assert calibration_store.find(kept.device, 3) is None


def test_on_a_card_threads_change_nothing(kept: Calibration) -> None:
    device = msgspec.structs.replace(kept.device, device="cuda", host="a processor")
    card = msgspec.structs.replace(kept, device=device, threads=None, default_threads=None)
    calibration_store.keep(card)

    assert calibration_store.find(device) == calibration_store.find(device, 3) == card
    assert calibration_store.find(kept.device) == kept
    assert calibration_store.find(msgspec.structs.replace(device, host="another")) is None


def test_a_card_that_is_not_here_has_no_name() -> None:
    with pytest.raises(DeviceError, match="no device 'cuda:99' here"):
        calibration_store.this_device("float32", "cuda:99")


def test_the_last_one_replaces_the_one_before(kept: Calibration) -> None:
    later = msgspec.structs.replace(kept, measured_at="2026-02-02T00:00:00+00:00", operation_s=9e-6)
    path = calibration_store.keep(later)

    assert calibration_store.find(kept.device) == later
    assert [one.name for one in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_file_that_was_cut_is_none(kept: Calibration, share: float) -> None:
    path = calibration_store.path_of(kept.device, kept.threads)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])

    assert calibration_store.find(kept.device) is None


@pytest.mark.parametrize("text", [b"\xff\xfe", b"[]", b"{}", b'"rates"'])
def test_a_file_that_is_something_else_is_none(kept: Calibration, text: bytes) -> None:
    calibration_store.path_of(kept.device, kept.threads).write_bytes(text)

    assert calibration_store.find(kept.device) is None


@pytest.mark.parametrize(
    ("changes", "threads", "reason"),
    [
        ({}, 1, "calibrated with 2 threads, not 1"),
        ({"dtype": "bfloat16"}, 2, "calibrated in float32, not in bfloat16"),
        ({"torch": "1.0"}, None, f"calibrated with torch {metadata.version('torch')}, not 1.0"),
        ({"settings": {"OMP_NUM_THREADS": "9"}}, None, "calibrated with OMP_NUM_THREADS '8', not '9'"),
        ({"name": "another"}, 3, f"calibrated on {cpu_name()}, not on another and with 2 threads, not 3"),
        ({"device": "cuda", "host": cpu_name()}, None, "calibrated on cpu, not on cuda"),
    ],
)
def test_why_there_is_none_is_told_by_the_nearest(
    kept: Calibration, changes: dict[str, object], threads: int | None, reason: str
) -> None:
    # Another type and other threads: further from all of these than what was kept.
    far = msgspec.structs.replace(kept, device=msgspec.structs.replace(kept.device, dtype="float16"), threads=16)
    calibration_store.keep(far)
    device = msgspec.structs.replace(kept.device, **changes)

    assert calibration_store.find(device, threads) is None
    assert calibration_store.reason_for_none(device, threads) == reason


def test_torchs_own_number_of_threads_is_named_as_its_own(kept: Calibration) -> None:
    calibration_store.path_of(kept.device, kept.threads).unlink()
    calibration_store.keep(msgspec.structs.replace(kept, threads=1))

    assert calibration_store.reason_for_none(kept.device) == "calibrated with 1 thread, not 2 (torch's default)"


def test_without_any_there_is_no_reason_to_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration_store, "folder", lambda: tmp_path / "nowhere")

    assert calibration_store.reason_for_none(calibration_store.this_device("float32")) is None


def test_another_version_is_none(kept: Calibration) -> None:
    calibration_store.keep(msgspec.structs.replace(kept, version=kept.version + 1))

    assert calibration_store.find(kept.device) is None


def test_figures_that_cannot_be_are_none(kept: Calibration) -> None:
    path = calibration_store.path_of(kept.device, kept.threads)
    path.write_bytes(path.read_bytes().replace(b"1000000000.0", b"-1000000000.0"))

    assert calibration_store.find(kept.device) is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to_is_said_before_anything_is_measured(kept: Calibration) -> None:
    folder = calibration_store.folder()
    folder.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="may not be written"):
            calibration_store.check(kept.device, 2)
        assert calibration_store.find(kept.device) == kept
    finally:
        folder.chmod(0o700)


def test_a_file_where_the_folder_should_be_is_said(
    kept: Calibration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(calibration_store, "folder", lambda: tmp_path / "file" / "calibrations")

    with pytest.raises(OutputError, match="cannot be kept"):
        calibration_store.check(kept.device, 2)
    with pytest.raises(OutputError, match="cannot be kept"):
        calibration_store.keep(kept)
    assert calibration_store.find(kept.device) is None
