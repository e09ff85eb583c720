from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

THOP = "audit tiny.yaml --imgsz 64 --counter thop-2.0"
EXECUTABLE = str(Path(sysconfig.get_path("scripts"), "archprof"))
PLUGIN = str(Path(__file__).parents[1] / "counters" / "planted.py")

# On 64×64 the convolutions give 16·32·32 elements of 27 products, 32·16·16 of 144 and 1280·16·16 of 32; the linear
# layer has 1280·2 products.
EXACT = 442_368 + 1_179_648 + 10_485_760 + 2_560
# thop takes four for an element of a normalisation, and for pooling 16·16 to 1 one more than the elements summed.
NORMS, POOLING = 4 * (16 * 1024 + 32 * 256 + 1280 * 256), 1280 * (256 + 1)
# It looks at 32×32 and multiplies by four: the linear layer runs once whatever the size, and of pooling the one more.
LINEAR, ONE_MORE = 3 * 2_560, 3 * 1280


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def test_the_way_from_the_exact_count_to_the_figure(archprof: Callable[[str], Result], narrow: None) -> None:
    result = archprof(THOP)
    assert result.exit_code == 0
    assert result.stdout.startswith("tiny   scale n · nc 2 · 1×3×64×64 · float32 · not fused\n")
    total = EXACT + NORMS + POOLING + LINEAR + ONE_MORE
    assert result.stdout.endswith(
        f"""
thop-2.0: 27.72 MFLOPs, 14 % above

      MACs    of which  calls  what
{EXACT:,}                     the exact count
+{NORMS:,}                     adds BatchNorm2d
            +1,310,720           row 2 Classify
               +65,536           row 0 Conv
               +32,768           row 1 Conv
  +{POOLING:,}                     adds AdaptiveAvgPool2d
              +{POOLING:,}           row 2 Classify
    +{LINEAR:,}                     Linear, extrapolated from 32×32
                +{LINEAR:,}           row 2 Classify
    +{ONE_MORE:,}                     AdaptiveAvgPool2d, extrapolated from 32×32
                +{ONE_MORE:,}           row 2 Classify
{total:,}                     thop-2.0 reports 27.72 MFLOPs = 2 × MACs
"""
    )


def test_by_module_and_cut(archprof: Callable[[str], Result]) -> None:
    lines = [line.split("  ")[-1].strip() for line in archprof(f"{THOP} --detail modules --top 1").stdout.splitlines()]
    assert "model.2.conv.bn BatchNorm2d" in lines
    assert "… 2 more" in lines
    assert "model.0.bn BatchNorm2d" not in lines


def test_by_operation_only(archprof: Callable[[str], Result]) -> None:
    text = archprof(f"{THOP} --detail ops").stdout
    assert "adds BatchNorm2d" in text
    assert "row 2" not in text


def test_json_adds_up(archprof: Callable[[str], Result]) -> None:
    audit = json.loads(archprof(f"{THOP} --format json").stdout)
    (opinion,) = audit["opinions"]
    assert audit["macs"] == EXACT
    assert audit["unknown"] == {}
    assert audit["macs"] + sum(difference["macs"] for difference in opinion["differences"]) == opinion["macs"]
    assert opinion["value"] == pytest.approx(2 * opinion["macs"] / 1e9)
    assert audit["variant"]["name"] == "tiny"
    assert audit["input"]["shapes"] == [[1, 3, 64, 64]]


def test_csv_has_a_line_a_difference_or_a_counter(archprof: Callable[[str], Result]) -> None:
    rows = list(csv.DictReader(io.StringIO(archprof(f"{THOP} --format csv").stdout)))
    assert sum(int(row["macs_difference"]) for row in rows) == NORMS + POOLING + LINEAR + ONE_MORE
    assert {row["row"] for row in rows} == {"0", "1", "2"}
    exact, thop = csv.DictReader(io.StringIO(archprof(f"{THOP} --format csv --detail none").stdout))
    assert (exact["counter"], exact["macs"]) == ("exact", str(EXACT))
    assert (exact["reported_flops"], exact["reported_macs"]) == (str(2 * EXACT), "")
    total = EXACT + NORMS + POOLING + LINEAR + ONE_MORE
    assert (thop["counter"], thop["reported_flops"]) == ("thop-2.0", str(2 * total))
    assert (int(thop["macs"]), float(thop["macs_ratio"])) == (total, total / EXACT)


def test_markdown_is_two_tables(archprof: Callable[[str], Result], folder: Path) -> None:
    assert archprof(f"{THOP} -o audit.md").exit_code == 0
    text = (folder / "audit.md").read_text(encoding="utf-8")
    assert text.startswith("### tiny\n")
    assert "\n| counter | version | reported | GMACs | ratio | seconds |\n" in text
    assert "\n#### thop-2.0: 27.72 MFLOPs, 14 % above\n" in text


def test_counters_that_go_wrong_are_rows(folder: Path) -> None:
    # In a process of its own: what a plugin registers stays registered.
    counters = ["--counter", "crashes", "--counter", "dies", "--counter", "thop"]
    run = subprocess.run(
        [EXECUTABLE, "audit", "tiny.yaml", "--imgsz", "64", *counters, "--plugin", PLUGIN, "--detail", "none"],
        cwd=folder,
        env={**os.environ, "COLUMNS": "80"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert "\ncrashes: ValueError: planted\n" in run.stdout
    assert "\ndies: its process died: Killed\n" in run.stdout
    # The installed thop needs no extrapolation on so small an image.
    macs = (EXACT + NORMS + 1280 * 257) / 1e9
    assert re.search(rf"^thop +\S+ +\S+ MMACs +{macs:.4g} ", run.stdout, re.M)
    assert max(map(len, run.stdout.splitlines())) <= 80


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("audit tiny.yaml --counter thp", "error: no counter 'thp'\ndid you mean thop?\n"),
        ("audit tiny.yaml --scale all", "error: an audit takes one scale\nname one with --scale\n"),
    ],
)
def test_mistakes_are_one_message(line: str, message: str, archprof: Callable[[str], Result]) -> None:
    result = archprof(line)
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", message)


def test_a_figure_that_is_kept_is_not_counted_again(folder: Path) -> None:
    """In processes of their own: in this one, files of other tests were imported that are new."""

    def audit(*options: str) -> tuple[str, str]:
        line = [EXECUTABLE, "-v", *options, "audit", "tiny.yaml", "--imgsz", "32", "--format", "json"]
        run = subprocess.run([*line, "--counter", "torchinfo"], capture_output=True, text=True, check=True)
        return run.stdout, run.stderr

    first, told = audit()
    assert "running torchinfo, 1 left" in told
    second, told = audit()
    assert second == first
    assert "running" not in told
    assert "running torchinfo" in audit("--no-cache")[1]


def test_counters_that_run_side_by_side_are_shown_in_the_order_that_was_asked_for(
    archprof: Callable[[str], Result],
) -> None:
    result = archprof("audit tiny.yaml --imgsz 32 --counter thop --counter torchinfo --counter ptflops --format json")
    assert result.exit_code == 0, result.stderr
    opinions = json.loads(result.stdout)["opinions"]
    assert [opinion["counter"] for opinion in opinions] == ["thop", "torchinfo", "ptflops"]
    assert all(opinion["error"] is None for opinion in opinions)
