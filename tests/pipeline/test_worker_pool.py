"""Several processes give what one gives, in the same order; what one of them does to itself is its own error."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from archprof import cache
from archprof.builder.options import Options
from archprof.errors import ArchprofError, BuildError, LimitError, PluginError, UsageError
from archprof.pipeline import ExecutionConfig, Request, prewarm, profile_all, worker_pool
from archprof.records.profile import Profile
from archprof.sources.reference import resolve

if TYPE_CHECKING:
    from pathlib import Path

SOUND = "backbone:\n  - [-1, 1, Conv, [{width}, 3, 2]]\n"
BLOCKS = """\
import os, signal, sys, time
from torch import nn
import archprof

@archprof.register("Hangs")
def hangs(*arguments):
    time.sleep(600)

@archprof.register("Eats")
def eats(*arguments):
    held = []
    while True:
        held.append(bytearray(b"1" * 10_000_000))

@archprof.register("Dies")
def dies(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)

@archprof.register("Leaves")
def leaves(*arguments):
    os._exit(7)

@archprof.register("Where")
class Where(nn.Conv2d):
    def __init__(self, c1, c2):
        super().__init__(c1, len(os.path.basename(os.getcwd())), 1)
"""

needs_fork = pytest.mark.skipif(sys.platform == "win32", reason="each process would load torch")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "blocks.py").write_text(BLOCKS, encoding="utf-8")
    for width in (8, 16, 24):
        (tmp_path / f"sound{width}.yaml").write_text(SOUND.format(width=width), encoding="utf-8")
    for block in ("Hangs", "Eats", "Dies", "Leaves", "Wrong", "Where"):
        text = SOUND.replace("Conv, [{width}, 3, 2]", f"{block}, [8]")
        (tmp_path / f"{block.lower()}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def tasks(*names: str) -> list[Request]:
    return [Request(resolve(f"{name}.yaml"), Options(size=(32,))) for name in names]


@needs_fork
def test_several_processes_give_what_one_gives_in_its_order(folder: Path) -> None:
    wanted = tasks("sound24", "wrong", "sound8", "sound16")
    here = profile_all(wanted, ExecutionConfig())
    apart = profile_all(wanted, ExecutionConfig(jobs=3))

    assert [one.to_json() for one in apart if isinstance(one, Profile)] == [
        one.to_json() for one in here if isinstance(one, Profile)
    ]
    # A convolution's 3 · 3 · 3 · c weights and the batch norm's 2 · c.
    assert [one.totals.parameters if isinstance(one, Profile) else None for one in apart] == [696, None, 232, 464]
    assert isinstance(apart[1], BuildError)
    assert str(apart[1]) == str(here[1])
    assert apart[1].line == 2


@needs_fork
@pytest.mark.parametrize(
    ("name", "means", "said"),
    [
        ("hangs", {"time_limit_s": 6.0}, "hangs.yaml: not counted within 6 s\n--time-limit gives it longer"),
        (
            "eats",
            {"memory_limit_bytes": 15 * 10**8},
            "GB of memory, more than the 1.5 GB allowed\n--memory-limit gives it more",
        ),
        ("dies", {}, f"dies.yaml: the process that counted it died: {signal.strsignal(signal.SIGKILL)}"),
        ("leaves", {}, "leaves.yaml: the process that counted it left with exit code 7"),
    ],
)
def test_what_goes_too_far_is_stopped_and_the_others_are_counted(
    folder: Path, name: str, means: dict[str, float], said: str
) -> None:
    bounds = {"time_limit_s": 60.0, **means}
    stopped, sound = profile_all(
        tasks(name, "sound8"),
        ExecutionConfig(plugins=["blocks.py"], jobs=2, **bounds),  # type: ignore[arg-type]
    )

    assert isinstance(stopped, LimitError)
    assert str(stopped).startswith(f"{name}.yaml: ")
    assert said in str(stopped)
    assert isinstance(sound, Profile)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The processes that were started to count in, by number."""
    found: list[int] = []
    start = worker_pool._Worker._start

    def noted(worker: worker_pool._Worker) -> None:
        start(worker)
        found.append(worker._process.pid or 0)

    monkeypatch.setattr(worker_pool._Worker, "_start", noted)
    return found


def test_torch_is_loaded_early_only_where_nothing_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[bool] = []
    monkeypatch.setattr(worker_pool, "start_fork_server", lambda: begun.append(True))
    monkeypatch.setattr(cache, "enabled", True)
    monkeypatch.setenv("ARCHPROF_CACHE_DIR", str(folder / "cache"))
    prewarm(ExecutionConfig(time_limit_s=60))
    assert begun == [True]

    prewarm(ExecutionConfig())  # counts here
    store = cache.kept()
    assert store is not None
    store.write("key", b"something")
    prewarm(ExecutionConfig(time_limit_s=60))
    assert begun == [True]

    monkeypatch.setattr(cache, "enabled", False)
    prewarm(ExecutionConfig(time_limit_s=60))
    assert begun == [True, True]


@needs_fork
def test_a_process_counts_several_models(folder: Path, started: list[int]) -> None:
    profile_all(tasks("sound8", "sound16", "wrong", "sound24"), ExecutionConfig(time_limit_s=60))
    assert len(started) == 1


@needs_fork
def test_what_code_of_others_left_behind_meets_no_other_model(folder: Path, started: list[int]) -> None:
    """A plugin may have been called by any of them, and what makes a model in Python may have done anything."""
    profile_all(tasks("sound8", "sound16", "sound24"), ExecutionConfig(plugins=["blocks.py"], time_limit_s=60))
    assert len(started) == 3

    started.clear()
    (folder / "mine.py").write_text(
        "from torch import nn\ndef make():\n    return nn.Conv2d(3, 1, 1)\n", encoding="utf-8"
    )
    made = Request(resolve("mine.py:make"), Options(size=(32,)))
    outcomes = profile_all([*tasks("sound8"), made, *tasks("sound16", "sound24")], ExecutionConfig(time_limit_s=60))
    assert all(isinstance(outcome, Profile) for outcome in outcomes)
    assert len(started) == 2


@needs_fork
def test_what_others_left_in_a_process_is_not_held_against_a_model(
    folder: Path, started: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that holds more than half of what it may is not given another model."""
    monkeypatch.setattr(worker_pool, "_held", lambda process: 6 * 10**8)
    profile_all(tasks("sound8", "sound16"), ExecutionConfig(memory_limit_bytes=13 * 10**8))
    assert len(started) == 1

    started.clear()
    outcomes = profile_all(tasks("sound8", "sound16"), ExecutionConfig(memory_limit_bytes=11 * 10**8))
    assert all(isinstance(outcome, Profile) for outcome in outcomes)
    assert len(started) == 2


@needs_fork
def test_where_the_command_is_killed_its_processes_end_without_a_word(folder: Path) -> None:
    slow = """
@archprof.register("Slow")
def slow(*arguments):
    open(f"{os.getpid()}.began", "w").close()
    time.sleep(1)
    return nn.Identity()
"""
    (folder / "blocks.py").write_text(BLOCKS + slow, encoding="utf-8")
    for name in ("slow", "slower"):
        (folder / f"{name}.yaml").write_text(SOUND.replace("Conv", "Slow").format(width=8), encoding="utf-8")
    (folder / "archprof.toml").write_text('[[budgets]]\nvariants = "slow*.yaml"\nimgsz = 32\n', encoding="utf-8")
    command = [sys.executable, "-m", "archprof", "--no-cache", "check", "--plugin", "blocks.py", "-j", "2"]
    with (folder / "said.txt").open("w") as said, subprocess.Popen(command, stdout=said, stderr=said) as process:
        while len(list(folder.glob("*.began"))) < 2:
            assert process.poll() is None, (folder / "said.txt").read_text(encoding="utf-8")
            time.sleep(0.05)
        others = psutil.Process(process.pid).children(recursive=True)
        process.kill()
    _, alive = psutil.wait_procs(others, timeout=30)

    assert len(others) >= 3  # the one that forks, and two that were forked
    assert not alive
    assert (folder / "said.txt").read_text(encoding="utf-8") == ""


@needs_fork
def test_workers_run_in_the_working_folder(folder: Path) -> None:
    (profile,) = profile_all(tasks("where"), ExecutionConfig(plugins=["blocks.py"], time_limit_s=60))

    assert isinstance(profile, Profile)
    # A 1×1 convolution from 3 channels with bias: 4 parameters for each letter of the folder's name.
    assert profile.totals.parameters == 4 * len(os.path.basename(os.getcwd()))  # noqa: PTH109, PTH119


@needs_fork
@pytest.mark.parametrize("seconds", [None, 60])
def test_without_a_plugin_nothing_is_counted(folder: Path, seconds: float | None) -> None:
    with pytest.raises(PluginError, match=r"nowhere\.py: no such file"):
        profile_all(tasks("sound8", "sound16"), ExecutionConfig(plugins=["nowhere.py"], time_limit_s=seconds))


def test_code_that_is_not_installed_is_refused_where_it_is_not_to_run(folder: Path) -> None:
    (folder / "mine.py").write_text("raise SystemExit('ran')\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"--no-plugins refuses to run blocks\.py"):
        ExecutionConfig(plugins=["blocks.py"], allow_untrusted_code=False)
    function, sound = profile_all(
        [Request(resolve("mine.py:make"), Options()), *tasks("sound8")], ExecutionConfig(allow_untrusted_code=False)
    )

    assert isinstance(function, ArchprofError)
    assert str(function) == "--no-plugins refuses to run mine.py:make"
    assert isinstance(sound, Profile)
