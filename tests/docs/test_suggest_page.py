"""The worked examples of the page on suggestions, whose answers it states."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "guide" / "suggest.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```sh\n\s*(archprof suggest .*?)\n\s*```\n\s*Answer: `(.*?)`", PAGE)


def test_there_are_ten() -> None:
    assert len(EXAMPLES) == 10


@pytest.mark.parametrize(
    ("command", "answer"),
    [pytest.param(*example, marks=[pytest.mark.full] if index != 9 else []) for index, example in enumerate(EXAMPLES)],
)
def test_the_answer_is_the_page_s(command: str, answer: str, tmp_path: Path) -> None:
    words = [word.strip("'") for word in command.split()[1:]]
    run = subprocess.run(
        [sys.executable, "-m", "archprof", "-q", *words], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert answer in " ".join(run.stdout.split())
