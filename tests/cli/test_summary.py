from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len

from archprof.records.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

EXECUTABLE = str(Path(sysconfig.get_path("scripts"), "archprof"))

# tiny.yaml at scale n, by hand. A Conv is a convolution without bias, a BatchNorm (weight and bias) and a SiLU;
# Classify is a Conv to 1280 channels (1×1), pooling, dropout, and a Linear with bias to nc.
#   row 0: 3·16·9 + 2·16                              =    464
#   row 1: 16·32·9 + 2·32                             =  4,672
#   row 2: 32·1280 + 2·1280 + 1280·nc + nc, at nc = 2 = 46,082
PARAMETERS = [464, 4_672, 46_082]
# On 64×64 the convolutions give 32×32, 16×16 and 16×16; the Linear runs once.
#   row 0: 3·16·9·32²     =    442,368
#   row 1: 16·32·9·16²    =  1,179,648
#   row 2: 32·1280·16² + 1280·nc = 10,485,760 + 2,560 = 10,488,320
MACS = [442_368, 1_179_648, 10_488_320]


def rows(result: Result) -> list[dict[str, str]]:
    assert result.exit_code == 0, result.output
    return list(csv.DictReader(io.StringIO(result.stdout)))


def test_the_rows_of_a_variant(archprof: Callable[[str], Result]) -> None:
    table = rows(archprof("summary tiny.yaml --imgsz 64 --format csv"))
    assert [int(row["parameters"]) for row in table] == PARAMETERS
    assert [int(row["macs"]) for row in table] == MACS
    assert [row["output"] for row in table][:2] == ["1×16×32×32", "1×32×16×16"]
    assert [row["line"] for row in table] == ["6", "7", "9"]


def test_options_reach_the_model(archprof: Callable[[str], Result]) -> None:
    line = "summary tiny.yaml --imgsz 32x64 --batch 2 --channels 1 --nc 5 --scale n --format csv"
    table = rows(archprof(line))
    # 1·16·9 + 2·16; nc = 5 adds 3·(1280 + 1) to the head
    assert [int(row["parameters"]) for row in table] == [176, PARAMETERS[1], PARAMETERS[2] + 3 * 1281]
    # a third of row 0's channels; half the area and twice the batch leave the rest as it is
    assert [int(row["macs"]) for row in table][:2] == [MACS[0] // 3, MACS[1]]
    assert table[0]["output"] == "2×16×16×32"
    assert rows(archprof(line.replace("--nc 5", "--set nc=5"))) == table


def test_json_is_a_profile_that_says_how_it_was_made(archprof: Callable[[str], Result]) -> None:
    result = archprof("summary tiny.yaml --scale s --imgsz 64 --fuse --dtype float16 --device cpu --format json")
    profile = Profile.from_json(result.stdout)
    assert (profile.variant.scale, profile.variant.fused, profile.variant.nc) == ("s", True, 2)
    assert (profile.input.shapes, profile.input.dtype) == ([[1, 3, 64, 64]], "float16")
    assert profile.environment.device == "cpu"
    assert profile.totals.parameters == sum(layer.parameters for layer in profile.layers)
    assert profile.totals.macs == sum(layer.macs for layer in profile.layers)


def test_every_scale_is_a_line_of_one_table(archprof: Callable[[str], Result]) -> None:
    table = rows(archprof("summary tiny.yaml --scale all --imgsz 64 --format csv"))
    # At scale s channels are 32 and 64: 3·32·9 + 64, 32·64·9 + 128, and 64·1280 + 2·1280 + 1280·2 + 2
    assert [(row["scale"], int(row["parameters"])) for row in table] == [
        ("n", sum(PARAMETERS)),
        ("s", 928 + 18_560 + 87_042),
    ]
    sort = rows(archprof("summary tiny.yaml --scale all --imgsz 64 --sort parameters --format csv"))
    assert [row["scale"] for row in sort] == ["s", "n"]


def test_remarks_go_to_stderr_and_can_be_silenced(archprof: Callable[[str], Result]) -> None:
    result = archprof("summary tiny.yaml")
    assert result.stderr == "note: using scale n (the file's first); available: n, s or all\n"
    assert archprof("summary tiny.yaml --scale n").stderr == ""
    for line in ("summary tiny.yaml -q", "--quiet summary tiny.yaml"):
        quiet = archprof(line)
        assert (quiet.stderr, quiet.stdout) == ("", result.stdout)
    assert "profiling tiny: " in archprof("-v --no-cache summary tiny.yaml").stderr


@pytest.mark.parametrize("before", [True, False])
def test_colour_is_for_terminals_and_for_who_asks(archprof: Callable[[str], Result], before: bool) -> None:
    def colored(choice: str) -> bool:
        option, command = f"--color {choice}", "summary tiny.yaml"
        return "\x1b[" in archprof(f"{option} {command}" if before else f"{command} {option}").stdout

    assert [colored(choice) for choice in ("auto", "never", "always")] == [False, False, True]


def test_the_environment_sets_what_the_command_line_does_not(
    archprof: Callable[[str], Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARCHPROF_IMGSZ", "64")
    monkeypatch.setenv("ARCHPROF_FORMAT", "csv")
    monkeypatch.setenv("ARCHPROF_QUIET", "1")
    result = archprof("summary tiny.yaml")
    assert [int(row["macs"]) for row in rows(result)] == MACS
    assert result.stderr == ""
    assert rows(archprof("summary tiny.yaml --imgsz 32"))[0]["output"] == "1×16×16×16"


def test_several_outputs_at_once(archprof: Callable[[str], Result], folder: Path) -> None:
    result = archprof("summary tiny.yaml -o a.json -o b.md -o - -o c.csv --scale n")
    assert result.exit_code == 0
    assert result.stdout.startswith("tiny   scale n ")
    assert Profile.from_json((folder / "a.json").read_text(encoding="utf-8")).variant.name == "tiny"
    assert (folder / "b.md").read_text(encoding="utf-8").startswith("### tiny\n")
    assert (folder / "c.csv").read_text(encoding="utf-8").startswith("index,from,")
    assert result.stderr == "note: wrote a.json\nnote: wrote b.md\nnote: wrote c.csv\n"
    assert sorted(path.name for path in folder.iterdir()) == ["a.json", "b.md", "c.csv", "tiny.yaml"]


def test_only_force_overwrites_a_file_and_it_keeps_its_mode(archprof: Callable[[str], Result], folder: Path) -> None:
    target = folder / "out.json"
    target.write_text("mine", encoding="utf-8")
    target.chmod(0o640)
    assert archprof("summary tiny.yaml -o out.json").exit_code == 2
    assert target.read_text(encoding="utf-8") == "mine"
    assert archprof("summary tiny.yaml -o out.json --force").exit_code == 0
    assert json.loads(target.read_text(encoding="utf-8"))["variant"]["name"] == "tiny"
    assert target.stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(sys.platform == "win32", reason="no /dev/null")
def test_a_device_is_written_to_and_not_replaced(archprof: Callable[[str], Result]) -> None:
    assert archprof("summary tiny.yaml --format csv -o /dev/null").exit_code == 0
    assert Path("/dev/null").is_char_device()


def test_modules_are_the_details_of_what_has_no_rows(archprof: Callable[[str], Result]) -> None:
    table = rows(archprof("summary timm:resnet18 --format csv --depth 0"))
    assert [(row["module"], row["type"]) for row in table] == [("", "ResNet")]
    assert int(table[0]["parameters"]) == 11_689_512  # timm's results table: 11.69 M


@pytest.mark.parametrize("columns", [80, 160])
def test_text_fits_its_columns(
    archprof: Callable[[str], Result], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for detail in ("rows", "modules", "ops"):
        result = archprof(f"summary yolov13-DynamicConv.yaml --scale n --nc 6 --detail {detail}")
        assert result.exit_code == 0
        # The published figures: 641 modules, 4,621,033 parameters, 4,621,017 gradients, 6.2 GFLOPs.
        for figure in ("modules 641", "4,621,033", "4,621,017", "(thop 2.0): 6.2 GFLOPs", "8.11 GFLOPs"):
            assert figure in result.stdout
        assert max(map(len, result.stdout.splitlines())) <= columns


def test_the_printed_rows_add_up_to_the_printed_totals(archprof: Callable[[str], Result]) -> None:
    result = archprof("summary yolov13-DynamicConv.yaml --scale n --color never")
    *body, total = [line.split()[-4:] for line in result.stdout.split("\n\n")[1].splitlines()[1:]]
    numbers = [[float(cell.replace(",", "")) for cell in line] for line in body]
    totals = [float(cell.replace(",", "")) for cell in total]
    parameters, _, megaflops, _ = map(sum, zip(*numbers, strict=True))
    assert parameters == totals[0]
    assert megaflops == pytest.approx(totals[2], abs=0.005 * len(body))
    assert f"parameters  {total[0]} " in result.stdout
    assert f"{totals[2] / 1000:.2f} GFLOPs" in result.stdout


def test_help_and_version_load_nothing_heavy(folder: Path) -> None:
    code = (
        "import sys\n"
        "from archprof.cli import app\n"
        "try: app(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'ultralytics', 'timm', 'yaml', 'numpy', 'rich.console', 'msgspec'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    for arguments in (["--help"], ["summary", "--help"], ["--version"], ["zoo", "--help"]):
        subprocess.run([sys.executable, "-c", code, *arguments], check=True, stdout=subprocess.DEVNULL)


def test_version(archprof: Callable[[str], Result]) -> None:
    assert re.fullmatch(r"archprof \d+\.\d+\.\d+\n", archprof("--version").stdout)


def test_no_command_shows_help(archprof: Callable[[str], Result]) -> None:
    result = archprof("")
    assert result.exit_code == 2
    assert "summary" in result.output


@pytest.mark.skipif(sys.platform == "win32", reason="signals are another matter there")
def test_an_interrupt_ends_with_130_and_leaves_nothing(folder: Path) -> None:
    line = [EXECUTABLE, "summary", "tiny.yaml", "--plugin", "slow.py", "-o", "out.json"]
    (folder / "slow.py").write_text("import time; print('ready', flush=True); time.sleep(600)", encoding="utf-8")
    with subprocess.Popen(
        line,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests in the background of a shell has its children ignore interrupts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        try:
            assert process.stderr is not None
            assert process.stderr.readline() == "ready\n"
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert errors == "error: interrupted\n"
    assert not (folder / "out.json").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="a broken pipe is another matter there")
def test_a_reader_that_has_read_enough_is_no_error(folder: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    run = subprocess.run([EXECUTABLE, "schema"], cwd=folder, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (run.returncode, run.stderr) == (0, "")


def test_any_encoding_of_the_terminal_will_do(folder: Path) -> None:
    line = [EXECUTABLE, "summary", "tiny.yaml", "--scale", "n"]
    run = subprocess.run(line, cwd=folder, env={**os.environ, "PYTHONIOENCODING": "ascii"}, capture_output=True)
    assert run.returncode == 0, run.stderr
    assert b"1?3?224?224" in run.stdout


def test_an_internal_error_is_one_line_and_its_traceback_is_for_who_asks(
    archprof: Callable[[str], Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise ZeroDivisionError("division by zero\nand more")

    monkeypatch.setattr("archprof.sources.selection.find_specs", fail)
    result = archprof("summary tiny.yaml")
    assert result.exit_code == 2
    assert result.stderr == (
        "error: internal error: ZeroDivisionError: division by zero (a fault of archprof's: --debug shows where)\n"
    )
    assert "Traceback" in archprof("summary tiny.yaml --debug").stderr


def test_of_a_fused_model_nothing_is_trained(archprof: Callable[[str], Result]) -> None:
    fused = archprof("summary tiny.yaml --scale n --imgsz 64 --fuse --detail none").stdout
    assert "fused for inference: none is trained" in fused
    assert "trainable parameters 0" not in fused
    # As built all are: 3·16·9 + 2·16, 16·32·9 + 2·32, and 32·1280 + 2·1280 + 1280·2 + 2.
    assert "trainable parameters 51,218" in archprof("summary tiny.yaml --scale n --imgsz 64 --detail none").stdout
    assert "trainable" not in archprof("summary tiny.yaml --scale all --imgsz 64 --fuse").stdout


@pytest.mark.parametrize(
    "line",
    ["summary yolov13n-DynamicConv --imgsz 64", "summary yolo11 --scale all", "parameternet yolov13n-DynamicConv"],
)
def test_tables_fit_a_terminal_of_80_columns(
    archprof: Callable[[str], Result], monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = archprof(line)
    assert result.exit_code == 0, result.stderr
    assert max(map(cell_len, result.stdout.splitlines())) <= 80
    if "--imgsz" in line:
        assert "C3k2_DynamicConv " in result.stdout  # arguments are cut before names
