"""Formats on the command line: every command offers those of the registry, and refuses others before it works."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from typing import TYPE_CHECKING

import pytest
import typer

from archprof.cli import app
from archprof.render.formats import FORMATS, Format, available

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from click.testing import Result

SHOUT = '''\
"""Capitals, for whoever does not listen."""


def render(report, page):
    return report.title.upper() + "!\\n"
'''

COMMANDS = ("audit", "bench", "calibrate", "check", "claims", "compare", "doctor", "parameternet", "summary")


@pytest.fixture
def shout(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A format of one file and its registration."""
    (folder / "capitals.py").write_text(SHOUT, encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))
    with FORMATS.scope():
        FORMATS.register("shout", Format("capitals", (".shout",)))
        yield
    sys.modules.pop("capitals", None)


def test_a_new_format_serves_every_command(archprof: Callable[[str], Result], folder: Path, shout: None) -> None:
    for line, text in (
        ("summary tiny.yaml --imgsz 32", "TINY!\n"),
        ("compare tiny.yaml tiny.yaml --imgsz 32", "TINY.YAML → TINY.YAML!\n"),
        ("parameternet tiny.yaml --imgsz 32", "TINY!\n"),
    ):
        assert archprof(f"{line} --format shout -q").stdout == text
    assert archprof("summary tiny.yaml --imgsz 32 -o a.shout -o shout:b.txt -q").exit_code == 0
    assert {(folder / name).read_text(encoding="utf-8") for name in ("a.shout", "b.txt")} == {"TINY!\n"}


def test_it_is_gone_afterwards(archprof: Callable[[str], Result]) -> None:
    result = archprof("summary tiny.yaml --format shout")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "this command has no format 'shout'" in result.stderr
    assert "no format of this command has the extension of 'a.shout'" in archprof("summary tiny.yaml -o a.shout").stderr


PLUGIN = """\
from archprof.render.formats import FORMATS, Format

FORMATS.register("whisper", Format(__name__, (".low",)))


def render(report, page):
    return report.title.lower()
"""


@pytest.mark.parametrize("asked", ["--format whisper", "--format Whisper", "-o a.low", "-o whisper:b.txt"])
@pytest.mark.parametrize("command", ["summary", "audit", "parameternet", "bench"])
def test_a_plugins_format_is_one_of_the_command(
    archprof: Callable[[str], Result], folder: Path, command: str, asked: str
) -> None:
    (folder / "plugin.py").write_text(PLUGIN, encoding="utf-8")
    options = {"audit": "--counter thop-2.0", "bench": "--max-time 0.1 --min-time 0 --threads 1"}.get(command, "")
    with FORMATS.scope():
        result = archprof(f"{command} tiny.yaml --imgsz 32 {options} --plugin plugin.py {asked} -q")
    assert result.exit_code == 0, result.stderr
    files = [folder / name for name in ("a.low", "b.txt")]
    texts = [file.read_text(encoding="utf-8") for file in files if file.exists()] or [result.stdout]
    assert [text.partition(" ")[0] for text in texts] == ["tiny"]


def test_a_plugin_that_is_refused_has_no_format(archprof: Callable[[str], Result], folder: Path) -> None:
    (folder / "plugin.py").write_text(PLUGIN, encoding="utf-8")
    result = archprof("summary tiny.yaml --plugin plugin.py --no-plugins --format whisper")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "error: --no-plugins refuses to run plugin.py\n"


def test_a_format_that_no_plugin_has(archprof: Callable[[str], Result], folder: Path) -> None:
    (folder / "plugin.py").write_text(PLUGIN, encoding="utf-8")
    with FORMATS.scope():
        result = archprof("summary tiny.yaml --plugin plugin.py --format whisp")
    assert result.exit_code == 2
    assert "this command has no format 'whisp'\ndid you mean whisper?" in result.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_help_and_completion_have_the_formats_of_the_command(archprof: Callable[[str], Result], command: str) -> None:
    offered = available(findings=command == "check")
    text = "".join(archprof(f"{command} --help").stdout.split())
    assert f"--format[{'|'.join(offered)}]" in text
    result = typer.main.get_command(app).get_command(None, command)
    (option,) = [parameter for parameter in result.params if parameter.name == "format"]
    context = result.make_context(command, [], resilient_parsing=True)
    completed = [item.value for item in option.shell_complete(context, "")]
    assert completed == list(offered)


@pytest.mark.parametrize("command", ["summary tiny.yaml", "audit tiny.yaml", "doctor", "bench tiny.yaml", "zoo"])
@pytest.mark.parametrize("option", ["--format sarif", "-o sarif:a.json", "-o a.sarif", "--format jsn"])
def test_a_format_that_is_not_offered_is_refused_before_anything_is_done(
    archprof: Callable[[str], Result], folder: Path, command: str, option: str
) -> None:
    result = archprof(f"{command} {option}")
    assert (result.exit_code, result.stdout) == (2, "")
    assert re.search("no format", result.stderr)
    assert "internal" not in result.stderr
    assert [path.name for path in folder.iterdir()] == ["tiny.yaml"]


# tiny.yaml at 64×64, see test_summary.py: 51,218 and 106,530 parameters; 24,220,672 FLOPs at n, and at s (see
# test_compare.py) 53,154,816.
def test_the_table_of_a_paper(archprof: Callable[[str], Result]) -> None:
    line = "summary tiny.yaml --scale all --imgsz 64 --columns model,scale,params,flops"
    assert archprof(line).stdout.split("\n\n")[1] == (
        "Model  Scale  Params (M)  FLOPs (G)\n"
        "tiny   n           0.051      0.024\n"
        "tiny   s           0.107      0.053\n"
    )
    assert r"tiny & s & 0.107 & 0.053 \\" in archprof(f"{line} --format latex").stdout
    assert "| tiny | s | 0.107 | 0.053 |" in archprof(f"{line} --format markdown").stdout
    rows = list(csv.DictReader(io.StringIO(archprof(f"{line} --format csv --sort params").stdout)))
    assert [(row["scale"], row["parameters"], row["flops"]) for row in rows] == [
        ("s", "106530", "53154816"),
        ("n", "51218", "24220672"),
    ]
    (first,) = csv.DictReader(io.StringIO(archprof(f"{line} --format csv --top 1").stdout))
    assert first["scale"] == "s"  # the most expensive
    assert len(json.loads(archprof(f"{line} --format json").stdout)) == 2


def test_columns_of_a_comparison(archprof: Callable[[str], Result]) -> None:
    line = "compare tiny.yaml tiny.yaml --imgsz 64 --columns model,params,weights --detail none"
    assert archprof(line).stdout.endswith(
        "Model      Params (M)  Weights (MB)\n"
        "tiny.yaml       0.051          0.20\n"  # 51,218 · 4 bytes
        "tiny.yaml       0.051          0.20\n"
    )


def test_columns_of_a_benchmark_have_the_interval(archprof: Callable[[str], Result]) -> None:
    line = "bench tiny.yaml tiny.yaml --imgsz 32 --threads 1 --min-time 0 --max-time 0.2 --columns model,params,latency"
    result = archprof(f"{line} -o - -o csv:-")
    assert result.exit_code == 0, result.stderr
    assert re.search(r"^tiny +0\.051 +[\d.,]+ \[[\d.,]+, [\d.,]+\]$", result.stdout, re.M)
    rows = list(csv.DictReader(io.StringIO(result.stdout[result.stdout.index("model,parameters") :])))
    for row in rows:
        assert float(row["latency_ci95_low_s"]) <= float(row["latency_s"]) <= float(row["latency_ci95_high_s"])


@pytest.mark.parametrize("command", ["summary tiny.yaml", "compare tiny.yaml tiny.yaml", "bench tiny.yaml"])
def test_an_unknown_column_is_refused_before_anything_is_done(archprof: Callable[[str], Result], command: str) -> None:
    result = archprof(f"{command} --columns model,parms")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "error: unknown column 'parms'\ndid you mean params or peak?\n" or (
        result.stderr.startswith("error: unknown column 'parms'\ndid you mean params")
    )


def test_markdown_sets_commands_as_code_and_what_goes_on_below_its_label(archprof: Callable[[str], Result]) -> None:
    lines = archprof("summary tiny.yaml --format markdown").stdout.splitlines()
    (index,) = (index for index, line in enumerate(lines) if line.startswith("- **reported by**: Ultralytics 2024"))
    assert lines[index + 1].startswith("  - Ultralytics 8.")
    assert lines[index + 1].endswith(" · `archprof audit tiny.yaml` lists all of it")
