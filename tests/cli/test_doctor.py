from __future__ import annotations

import json
import os
import re
import subprocess
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from archprof.counters import COUNTERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

EXECUTABLE = str(Path(sysconfig.get_path("scripts"), "archprof"))


def test_all_is_well_here(archprof: Callable[[str], Result]) -> None:
    result = archprof("doctor --format json")
    assert result.exit_code == 0, result.stdout
    diagnosis = json.loads(result.stdout)
    found = {finding["check"]: finding for finding in diagnosis["findings"]}
    assert {finding["state"] for finding in found.values()} == {"ok"}
    assert found.keys() == {"devices", "import thop", *COUNTERS, "cache", "settings"}
    for name in COUNTERS:
        assert found[name]["says"].endswith("gives 151,552 MACs for three layers")
    assert diagnosis["packages"]["ultralytics-thop"]


def test_what_is_broken_is_said_with_what_to_type(tmp_path: Path) -> None:
    # What `pip install --target` of the other package leaves, before the right one on Python's path.
    package, info = tmp_path / "site" / "thop", tmp_path / "site" / "thop-0.1.1.dist-info"
    package.mkdir(parents=True)
    info.mkdir()
    (package / "__init__.py").write_text("raise ImportError('too old for this torch')\n", encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: thop\nVersion: 0.1.1\n", encoding="utf-8")
    (info / "RECORD").write_text("thop/__init__.py,,\n", encoding="utf-8")
    run = subprocess.run(
        [EXECUTABLE, "doctor"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site"), "COLUMNS": "80"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 2
    assert re.search(r"^broken +import thop ", run.stdout, re.M)
    # A command is on a line of its own, to be pasted.
    assert "\n    pip uninstall -y thop ultralytics-thop && pip install ultralytics-thop\n" in run.stdout
    assert run.stderr == "error: broken: import thop, ultralytics, thop\n"
    assert re.search(r"^ok +fvcore ", run.stdout, re.M)
