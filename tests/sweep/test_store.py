from __future__ import annotations

import os
import sqlite3
import sys
from pathlib import Path

import pytest

from archprof.errors import OutputError
from archprof.records.sweep import SweepRow
from archprof.sweep.store import Store

SETUP = {"reference": "tiny.yaml"}


def row(size: int, **values: object) -> SweepRow:
    return SweepRow(point={"imgsz": size}, model="tiny", **values)


def test_rows_come_back(tmp_path: Path) -> None:
    store = Store(tmp_path / "sweep.db")
    store.write(SETUP, [(row(640), "b"), (row(64), "a")])
    store.write(SETUP, [(row(320, error="no"), None)])
    assert sorted(kept.point["imgsz"] for kept in store.rows(SETUP)) == [64, 320, 640]
    points = [{"imgsz": size} for size in (64, 320, 640, 32)]
    assert store.contents(SETUP, points) == {'{"imgsz":64}': "a", '{"imgsz":320}': None, '{"imgsz":640}': "b"}
    assert store.setups() == [SETUP]


def test_a_row_takes_the_place_of_the_one_that_was_counted_before(tmp_path: Path) -> None:
    store = Store(tmp_path / "sweep.db")
    store.write(SETUP, [(row(64, figures={"flops": 1}), "old")])
    store.write(SETUP, [(row(64, figures={"flops": 2}), "new")])
    assert [kept.figures for kept in store.rows(SETUP)] == [{"flops": 2}]


def test_other_programs_read_the_figures(tmp_path: Path) -> None:
    Store(tmp_path / "sweep.db").write(SETUP, [(row(64, figures={"flops": 12, "parameters": 3}), "a")])
    with sqlite3.connect(tmp_path / "sweep.db") as connection:
        query = "SELECT reference, point, flops, parameters, fvcore FROM figures"
        assert connection.execute(query).fetchall() == [("tiny.yaml", '{"imgsz":64}', 12, 3, None)]


def test_a_store_without_a_file_goes_with_the_process(tmp_path: Path) -> None:
    store = Store(None)
    store.write(SETUP, [(row(64), "a")])
    assert len(store.rows(SETUP)) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_that_is_no_store(tmp_path: Path, read_only: bool) -> None:
    path = tmp_path / "x.db"
    path.write_text("this is a text that is long enough to be no header of SQLite's, and so no file of its", "utf-8")
    with pytest.raises(OutputError, match="is no SQLite file"):
        Store(path, read_only=read_only)
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE mine (x)")
    with pytest.raises(OutputError, match="no store of a sweep"):
        Store(path, read_only=read_only)
    assert sqlite3.connect(path).execute("SELECT name FROM sqlite_schema").fetchall() == [("mine",)]


def test_a_file_of_somebody_elses_stays_as_it_is(tmp_path: Path) -> None:
    """A store's journal is another one than SQLite's own, which is noted in the file."""
    path = tmp_path / "others.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(OutputError, match="no store of a sweep"):
        Store(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["others.db"]


def test_a_store_is_a_file_whatever_it_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Store(Path(":memory:")).write(SETUP, [(row(64), "a")])
    assert len(Store(Path(":memory:")).rows(SETUP)) == 1
    with pytest.raises(OutputError, match="is a folder, not a file"):
        Store(tmp_path)
    with pytest.raises(OutputError, match="is no regular file"):
        Store(Path(os.devnull))


def test_a_store_of_another_version_says_which_side_is_old(tmp_path: Path) -> None:
    Store(tmp_path / "sweep.db").close()
    with sqlite3.connect(tmp_path / "sweep.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(OutputError, match="version 99, this archprof reads 1: this archprof is older than the file"):
        Store(tmp_path / "sweep.db")


def test_a_store_that_is_not_there_or_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no such file"):
        Store(tmp_path / "none.db", read_only=True)
    with pytest.raises(OutputError, match="its folder does not exist"):
        Store(tmp_path / "none" / "sweep.db")


@pytest.mark.skipif(sys.platform == "win32", reason="the limit is one of Unix")
def test_without_room_beside_it_a_store_is_read_and_not_written(tmp_path: Path) -> None:
    """SQLite needs a file beside the store that it shares with others: 32 kB, and no more than 1,000 bytes may be."""
    import resource

    store = Store(tmp_path / "sweep.db")
    store.write(SETUP, [(row(64), "a")])
    store.close()
    before = (tmp_path / "sweep.db").read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        assert len(Store(tmp_path / "sweep.db", read_only=True).rows(SETUP)) == 1
        with pytest.raises(OutputError, match="cannot be written: File too large"):
            Store(tmp_path / "sweep.db")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert (tmp_path / "sweep.db").read_bytes() == before


def test_an_error_leaves_nothing_of_a_batch(tmp_path: Path) -> None:
    store = Store(tmp_path / "sweep.db")
    store.write(SETUP, [(row(64), "a")])
    with sqlite3.connect(tmp_path / "sweep.db") as other:
        (pages,) = other.execute("PRAGMA page_count").fetchone()
    store._connection.execute(f"PRAGMA max_page_count = {pages}")  # what a full disk is to SQLite
    rows = [(row(size, error="x" * 2000), "b") for size in range(100, 200)]
    with pytest.raises(OutputError, match="the disk is full"):
        store.write(SETUP, rows)
    assert len(store.rows(SETUP)) == 1
    store.write(SETUP, [(row(64), "c")])
