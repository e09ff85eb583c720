"""The recipes of docs/extending.md, followed to the letter: write what it shows, run what it says, remove it again.

A fence with a ``title`` is a file; one of the language ``diff`` adds lines to a file of archprof's. A recipe for a
plugin is followed in a folder of its own, one for archprof in a copy of the package.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

import archprof
from archprof.builder.registry import registry
from archprof.cli import app
from archprof.count.formulas import FORMULAS
from archprof.counters import COUNTERS
from archprof.latency.backends import BACKENDS
from archprof.render.figures import FIGURES
from archprof.render.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHECKOUT = Path(__file__).parents[2]
PAGE = (CHECKOUT / "docs" / "extending.md").read_text(encoding="utf-8")
FENCE = re.compile(r'^```(?P<language>\w+)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^```$', re.M | re.S)
SECTIONS = {part.partition("\n")[0]: part for part in PAGE.split("\n## ")}


def fences(heading: str, *languages: str) -> list[re.Match[str]]:
    """The fences of a section in some languages, those before any section included: they hold for all."""
    first = next(iter(SECTIONS))
    return [
        fence for name in (first, heading) for fence in FENCE.finditer(SECTIONS[name]) if fence["language"] in languages
    ]


def commands(heading: str) -> list[list[str]]:
    """The command lines of a section, without ``archprof``."""
    lines = [line for fence in fences(heading, "sh") for line in fence["text"].splitlines()]
    assert all(line.startswith("archprof ") for line in lines)
    return [shlex.split(line)[1:] for line in lines]


def patched(text: str, change: str) -> str:
    """A file's text with the lines that begin with ``+`` added where the others are."""
    lines = change.splitlines(keepends=True)
    assert {line[0] for line in lines} == {"+", " "}
    before = "".join(line[1:] for line in lines if line[0] == " ")
    assert text.count(before) == 1, before
    return text.replace(before, "".join(line[1:] for line in lines))


@pytest.fixture
def scopes(forgets_blocks: None) -> Iterator[None]:
    """What a recipe registers in this process is forgotten after it."""
    with ExitStack() as stack:
        for kind in (registry, FORMULAS, COUNTERS, BACKENDS, FORMATS, FIGURES):
            stack.enter_context(kind.scope())
        yield


@pytest.fixture
def plugin(scopes: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Callable[..., str]]:
    """Writes the files of a section, and gives what runs a command line there in this process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARCHPROF_CACHE_DIR", str(tmp_path / "cache"))

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, arguments, prog_name="archprof")
        assert result.exit_code == 0, result.output
        return result.stdout

    def write(heading: str) -> Callable[..., str]:
        for fence in fences(heading, "python", "yaml"):
            Path(fence["title"]).write_text(fence["text"], encoding="utf-8")
        return run

    return write


@pytest.fixture
def copy(tmp_path: Path) -> Callable[..., str]:
    """Follows a section in a copy of archprof, which goes first on the path of its processes."""
    shutil.copytree(CHECKOUT / "archprof", tmp_path / "copy" / "archprof", ignore=shutil.ignore_patterns("__pycache__"))
    work = tmp_path / "work"
    work.mkdir()
    variables = {"PYTHONPATH": str(tmp_path / "copy"), "ARCHPROF_CACHE_DIR": str(tmp_path / "cache")}

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "archprof", *arguments],
            cwd=work,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def follow(heading: str, *, without: str = "") -> Callable[..., str]:
        changes = fences(heading, "diff")
        for fence in fences(heading, "python", "yaml"):
            path = Path(fence["title"])
            text = "".join(
                line for line in fence["text"].splitlines(True) if not (without and line.startswith(without))
            )
            if fence["language"] == "python" and path.parts[0] != "archprof":  # a plugin's, moved into the package
                path = Path(changes[0]["title"]).with_name(path.name)
            (tmp_path / "copy" / path if path.parts[0] == "archprof" else work / path).write_text(
                text, encoding="utf-8"
            )
        for change in changes:
            file = tmp_path / "copy" / change["title"]
            file.write_text(patched(file.read_text(encoding="utf-8"), change["text"]), encoding="utf-8")
        return run

    return follow


def without_plugin(arguments: list[str]) -> list[str]:
    index = arguments.index("--plugin")
    return arguments[:index] + arguments[index + 2 :]


def test_a_block(plugin: Callable[[str], Callable[..., str]]) -> None:
    run = plugin("A block")
    (line,) = commands("A block")
    with registry.scope():
        rows = json.loads(run(*line, "--format", "json"))["layers"]
    # 16 channels, a weight each, on 32 × 32: 16 · 32 · 32 products, which are elementwise.
    (row,) = [row for row in rows if row["module"] == "Scale"]
    assert (row["parameters"], row["macs"], row["elementwise_flops"]) == (16, 0, 16 * 32 * 32)
    assert registry.find("Scale", "*") is None


def test_an_operations_formula(plugin: Callable[[str], Callable[..., str]]) -> None:
    run = plugin("An operation's formula")
    (line,) = commands("An operation's formula")
    assert json.loads(run(*without_plugin(line)))["coverage"]["unknown"] == {"mine.mix": 1}
    with FORMULAS.scope():
        totals = json.loads(run(*line))["totals"]
        # 3 · 5 · 7 products, and a bias for each of 3 · 7 elements.
        assert (totals["macs"], totals["elementwise_flops"]) == (105, 21)
    assert "mine.mix" not in FORMULAS


# Parameters: 16 · 3 · 9 + 2 · 16, 32 · 16 · 9 + 2 · 32, and of Classify 32 · 1280 + 2 · 1280 and 1280 · 2 + 2.
PARAMETERS = 464 + 4_672 + 43_520 + 2_562
# On 64 × 64 the convolutions have 32 × 32, 16 × 16 and 16 × 16 results a channel.
CONVOLUTIONS = 432 * 32 * 32 + 4_608 * 16 * 16 + 40_960 * 16 * 16
LINEAR = 1280 * 2


def counter_figures(output: str) -> list[tuple[str, float, int]]:
    return [(entry["counter"], entry["value"], entry["macs"]) for entry in json.loads(output)["opinions"]]


def test_a_counter(plugin: Callable[[str], Callable[..., str]]) -> None:
    run = plugin("A counter")
    (line,) = commands("A counter")
    with COUNTERS.scope():
        assert counter_figures(run(*line)) == [("per_parameter", 2 * PARAMETERS, PARAMETERS)]
    assert "per_parameter" not in COUNTERS


@pytest.mark.full
def test_a_counter_in_archprof(copy: Callable[..., Callable[..., str]]) -> None:
    run = copy("A counter")
    (line,) = commands("A counter")
    assert counter_figures(run(*without_plugin(line))) == [("per_parameter", 2 * PARAMETERS, PARAMETERS)]


def backends_measured(output: str) -> dict[str, Any]:
    measured = {entry["backend"]: entry for entry in json.loads(output)["latency"]}
    assert all(entry["median_s"] > 0 and not entry.get("error") for entry in measured.values())
    return measured


def test_a_latency_backend(plugin: Callable[[str], Callable[..., str]]) -> None:
    run = plugin("A latency backend")
    (line,) = commands("A latency backend")
    with BACKENDS.scope():
        assert list(backends_measured(run(*line))) == ["eager", "exported"]
    assert "exported" not in BACKENDS


def test_a_latency_backend_from_python(plugin: Callable[[str], Callable[..., str]]) -> None:
    plugin("A latency backend")
    with BACKENDS.scope():
        result = archprof.bench(
            "tiny.yaml", imgsz=64, plugins=["exported.py"], backends=["exported"], devices=["cpu"], max_time=0.5
        )
    assert [(entry.backend, entry.error) for entry in result.profiles[0].latency] == [("exported", None)]


@pytest.mark.full
def test_a_latency_backend_in_archprof(copy: Callable[..., Callable[..., str]]) -> None:
    run = copy("A latency backend")
    (line,) = commands("A latency backend")
    assert list(backends_measured(run(*without_plugin(line)))) == ["eager", "exported"]
    assert "openvino, exported." in " ".join(run("bench", "--help").split())


def heaviest(table: str) -> str:
    """The module of the row of a table of tab-separated values that has the most parameters."""
    rows = list(csv.DictReader(io.StringIO(table), delimiter="\t"))
    assert len(rows) == 3
    row = max(rows, key=lambda row: int(row["parameters"]))
    assert int(row["parameters"]) == 43_520 + 2_562
    return row["module"]


@pytest.mark.parametrize("index", [0, 1])
def test_an_output_format(plugin: Callable[[str], Callable[..., str]], tmp_path: Path, index: int) -> None:
    run = plugin("An output format")
    with FORMATS.scope():
        output = run(*commands("An output format")[index])
        assert heaviest(output or (tmp_path / "tiny.tsv").read_text(encoding="utf-8")) == "Classify"
    assert "tsv" not in FORMATS


def test_an_output_format_in_archprof(copy: Callable[..., Callable[..., str]], tmp_path: Path) -> None:
    run = copy("An output format", without="FORMATS.register")
    for line in commands("An output format"):
        output = run(*without_plugin(line))
    assert heaviest(output) == "Classify"
    assert heaviest((tmp_path / "work" / "tiny.tsv").read_text(encoding="utf-8")) == "Classify"
    assert "|html|parquet|fragment|tsv]" in run("compare", "--help")


def drawn(folder: Path) -> str:
    """The text in the figure of the recipe, which has a bar for each row."""
    svg = (folder / "bars.svg").read_text(encoding="utf-8")
    for row in ("0 Conv", "1 Conv", "2 Classify"):
        assert f">{row}</text>" in svg
    return svg


def test_a_figure(plugin: Callable[[str], Callable[..., str]], tmp_path: Path) -> None:
    run = plugin("A figure")
    (line,) = commands("A figure")
    with FIGURES.scope():
        run(*line)
        assert "archprof plot bars tiny.yaml --imgsz 64" in drawn(tmp_path)
    assert "bars" not in FIGURES


def test_a_figure_in_archprof(copy: Callable[..., Callable[..., str]], tmp_path: Path) -> None:
    run = copy("A figure")
    (line,) = commands("A figure")
    run(*without_plugin(line))
    drawn(tmp_path / "work")
    assert "shares, bars." in " ".join(run("plot", "--help").split())


def test_a_convention(copy: Callable[..., Callable[..., str]]) -> None:
    run = copy("A convention")
    (line,) = commands("A convention")
    reported = json.loads(run(*line))["reported"]["convolutions"]
    assert (reported["operations"], reported["exact_macs"]) == (CONVOLUTIONS, CONVOLUTIONS + LINEAR)
    assert [(missed["operation"], missed["flops"]) for missed in reported["missed"]] == [("aten.addmm", 2 * LINEAR)]


def test_an_origin_of_models(copy: Callable[..., Callable[..., str]]) -> None:
    run = copy("An origin of models")
    (line,) = commands("An origin of models")
    profile = json.loads(run(*line))
    # 8 · 16 + 16 and 16 · 4 + 4 parameters, 8 · 16 + 16 · 4 multiply-accumulates.
    assert (profile["totals"]["parameters"], profile["totals"]["macs"]) == (144 + 68, 128 + 64)
    assert (profile["variant"]["origin"], profile["variant"]["name"]) == ("widths", "8-16-4")


def test_a_command(copy: Callable[..., Callable[..., str]]) -> None:
    run = copy("A command")
    (line,) = commands("A command")
    output = run(*line)
    assert re.search(r"tiny +row 2 Classify · parameters 46,082\n", output)
    assert json.loads(run(*line, "--format", "json"))[0]["index"] == 2
    assert "Show the row of each model that has the most parameters." in run("--help")


def test_a_metric(copy: Callable[..., Callable[..., str]]) -> None:
    run = copy("A metric")
    derived, recorded = commands("A metric")
    (row,) = csv.DictReader(io.StringIO(run(*derived)))
    assert float(row["macs_per_parameter"]) == (CONVOLUTIONS + LINEAR) / PARAMETERS
    (row,) = csv.DictReader(io.StringIO(run(*recorded)))
    assert int(row["largest_weight_bytes"]) == 4 * 40_960  # Classify's convolution, 32 · 1280 of 4 bytes


@pytest.mark.parametrize("heading", [heading for heading in SECTIONS if heading.startswith(("A ", "An "))])
def test_every_recipe_is_followed(heading: str) -> None:
    """A section without a test would be a recipe that nobody tries."""
    plain = heading.lower().replace("'", "")
    assert f"test_{plain.replace(' ', '_')}" in globals()
    assert f"(#{plain.replace(' ', '-')})" in SECTIONS[next(iter(SECTIONS))]
