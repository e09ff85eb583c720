"""A folder that is damaged, foreign, closed, full or shared costs time, and is never wrong or fatal."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from archprof.cache.store import Store

if TYPE_CHECKING:
    from pathlib import Path

KEY, OTHER = "a" * 40, "b" * 40


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


def test_parts_come_back_as_they_were_alone_or_together(store: Store) -> None:
    store.write(KEY, b"first", b"second" * 1000)

    assert store.read(KEY) == [b"first", b"second" * 1000]
    assert store.read(KEY, 1) == [b"first"]


def test_nothing_is_kept_under_another_key(store: Store) -> None:
    store.write(KEY, b"first", b"second")

    assert store.read(OTHER) is None


@pytest.mark.parametrize("place", range(0, 70, 3))
def test_a_changed_byte_makes_it_no_file(store: Store, place: int) -> None:
    store.write(KEY, b"first", b"second")  # 10 bytes of mark, 2 parts of 24 bytes each, 11 bytes
    path = store.folder / KEY
    data = bytearray(path.read_bytes())
    assert len(data) == 69
    data[place % 69] ^= 1
    path.write_bytes(data)

    assert store.read(KEY) is None


@pytest.mark.parametrize("length", [0, 5, 10, 57, 58, 60, 68])
def test_a_cut_file_is_no_file(store: Store, length: int) -> None:
    store.write(KEY, b"first", b"second")
    path = store.folder / KEY
    path.write_bytes(path.read_bytes()[:length])

    assert store.read(KEY) is None


def test_a_sound_file_under_another_name_is_no_file(store: Store) -> None:
    store.write(KEY, b"first", b"second")
    (store.folder / KEY).rename(store.folder / OTHER)

    assert store.read(OTHER) is None


def test_a_part_that_claims_to_be_enormous_is_not_waited_for(store: Store) -> None:
    store.write(KEY, b"first", b"second")
    path = store.folder / KEY
    data = bytearray(path.read_bytes())
    data[10:18] = b"\xff" * 8
    path.write_bytes(data)

    assert store.read(KEY) is None


def test_a_folder_in_a_files_place_is_nothing(store: Store) -> None:
    (store.folder / KEY).mkdir(parents=True)

    assert store.read(KEY) is None
    store.write(KEY, b"first")
    assert store.read(KEY) is None
    assert list(store.folder.iterdir()) == [store.folder / KEY]


def test_a_folder_that_cannot_be_made_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    store = Store(tmp_path / "file")
    store.write(KEY, b"first")

    assert store.read(KEY) is None
    store.trim()
    store.clear()
    assert store.usage() == (0, 0)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_only_be_read_is_read(store: Store) -> None:
    store.write(KEY, b"first")
    store.folder.chmod(0o555)
    try:
        store.write(OTHER, b"other")
        assert store.read(KEY, 1) == [b"first"]
        assert store.read(OTHER) is None
    finally:
        store.folder.chmod(0o755)


def test_what_does_not_fit_on_the_disk_leaves_nothing(store: Store) -> None:
    store.write(KEY, b"first")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # a write beyond it fails, as on a full disk
    try:
        store.write(OTHER, b"x" * 10_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert [path.name for path in store.folder.iterdir()] == [KEY]


def test_the_longest_unread_go_first(tmp_path: Path) -> None:
    store = Store(tmp_path, limit=3 * 1058)  # three files: 10 + 2 * 24 + 1000 bytes
    keys = [letter * 40 for letter in "abcde"]
    for age, key in enumerate(keys):
        store.write(key, bytes(1000))
        os.utime(store.folder / key, (0, time.time() - 200_000 + 10_000 * age))
    assert store.read(keys[0], 1) == [bytes(1000)]  # which makes it the newest
    store.trim()

    assert sorted(path.name[0] for path in store.folder.iterdir()) == ["a", "d", "e"]
    assert store.usage() == (3, 3 * 1058)


def test_what_a_killed_writer_left_goes_after_an_hour(store: Store) -> None:
    store.write(KEY, b"first")
    drafts = [store.folder / f"{KEY}.{number}.tmp" for number in (1, 2)]
    for draft in drafts:
        draft.write_bytes(b"half")
    os.utime(drafts[0], (0, time.time() - 3700))
    store.trim()

    assert not drafts[0].exists()
    assert drafts[1].exists()
    assert store.usage()[0] == 1


def test_clearing_deletes_results_and_drafts(store: Store) -> None:
    store.write(KEY, b"first")
    (store.folder / f"{KEY}.1.tmp").write_bytes(b"half")
    store.clear()

    assert list(store.folder.iterdir()) == []


def test_two_processes_may_write_while_a_third_reads(tmp_path: Path) -> None:
    values = [b"1" * 2000, b"2" * 3000]
    code = (
        "import sys; from pathlib import Path; from archprof.cache.store import Store\n"
        "store, value = Store(Path(sys.argv[1])), sys.argv[2].encode() * int(sys.argv[3])\n"
        f"for _ in range(200): store.write({KEY!r}, value, value * 50); store.trim()"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), chr(value[0]), str(len(value))])
        for value in values
    ]
    store, found = Store(tmp_path), []
    while any(writer.poll() is None for writer in writers):
        if parts := store.read(KEY):
            found.append(parts)
    assert [writer.wait() for writer in writers] == [0, 0]

    assert store.read(KEY) in [[value, value * 50] for value in values]
    assert all(parts[0] in values and parts[1] == parts[0] * 50 for parts in found)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_writer_killed_at_any_point_leaves_only_whole_files(tmp_path: Path) -> None:
    code = (
        "import itertools, sys; from pathlib import Path; from archprof.cache.store import Store\n"
        "store = Store(Path(sys.argv[1])); print('on', flush=True)\n"
        "for number in itertools.count(): store.write(f'{number % 7:040}', bytes(100_000), bytes(200_000))"
    )
    store = Store(tmp_path)
    for wait in (0.0, 0.01, 0.023, 0.05):
        process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        for path in store.folder.iterdir() if store.folder.exists() else []:
            if not path.name.endswith(".tmp"):
                assert store.read(path.name) == [bytes(100_000), bytes(200_000)]
