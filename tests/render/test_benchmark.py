from __future__ import annotations

import csv
import io
import json
import re

import msgspec
import pytest
from rich.cells import cell_len

from archprof.records.benchmark import Benchmark
from archprof.records.latency import Agreement, Comparison, Gpu, Latency, Load, Machine, Ratio, Timer
from archprof.records.profile import Profile
from archprof.render import Page, View, facts
from archprof.render.benchmark import report
from archprof.render.formats import FORMATS
from archprof.render.histogram import histogram

MACHINE = Machine(cpu="A processor", cpus=4, memory_bytes=16 * 10**9, governor=None, torch_build="torch 2.6.0, AVX2")


def latency(**changes: object) -> Latency:
    """Ten samples: a median of 10.5 ms, and one beyond the fences."""
    values: dict[str, object] = {
        "device": "cpu",
        "device_name": "A processor",
        "backend": "eager",
        "dtype": "float32",
        "batch": 2,
        "threads": 4,
        "scope": "forward pass only",
        "samples_s": [0.010] * 4 + [0.011] * 5 + [0.050],
        "median_s": 0.0105,
        "ci95_s": (0.010, 0.011),
        "p90_s": 0.0149,
        "p99_s": 0.0465,
        "mad_s": 0.0005,
        "outliers": 1,
        "timer": Timer(name="a clock", overhead_s=5e-7),
        "load": Load(before=0.5, after=1.25, other_processes=0.125),
    }
    return Latency(**{**values, **changes})  # type: ignore[arg-type]


FAILED = latency(
    backend="openvino", samples_s=[], median_s=None, ci95_s=None, p90_s=None, p99_s=None, mad_s=None, outliers=0,
    timer=None, load=None, error="RuntimeError: no such operation",
)  # fmt: skip


def with_latency(profile: Profile, *latencies: Latency) -> Profile:
    environment = msgspec.structs.replace(profile.environment, machine=MACHINE)
    return msgspec.structs.replace(profile, latency=list(latencies), environment=environment)


@pytest.fixture
def single_model(profile: Profile) -> Benchmark:
    checked = Agreement(absolute=1e-5, relative=2e-6, tolerance=1e-3)
    another_model = latency(backend="compile", options=["channels_last"], agreement=checked, notes=["its median moved"])
    return Benchmark(profiles=[with_latency(profile, latency(), another_model, FAILED)])


@pytest.fixture
def several(profile: Profile) -> Benchmark:
    models = [with_latency(profile, latency()) for _ in range(3)]
    results = [
        Ratio(ratio=1.05, interval=(1.03, 1.07), confidence=0.995, margin=0.02, verdict="slower"),
        Ratio(ratio=1.0, interval=(0.99, 1.01), confidence=0.995, margin=0.02, verdict="cannot tell"),
    ]
    return Benchmark(
        profiles=models,
        comparisons=[
            Comparison(base=0, model=index, device="cpu", backend="eager", blocks=1200, looks=9, result=result)
            for index, result in enumerate(results, 1)
        ],
    )


def rendered(name: str, benchmark: Benchmark, width: int = 160, view: View | None = None) -> str:
    return FORMATS[name].render(report(benchmark, view or View()), Page(width=width))


@pytest.mark.parametrize("width", [80, 120])
def test_text_fits_the_terminal(single_model: Benchmark, several: Benchmark, width: int) -> None:
    for benchmark in (single_model, several):
        lines = rendered("text", benchmark, width).splitlines()
        assert max(map(cell_len, lines)) <= width


def test_text_says_everything_once(single_model: Benchmark) -> None:
    text = rendered("text", single_model)

    assert "A processor · 4 CPUs · 16.0 GB · CPU governor: unknown · torch 2.6.0, AVX2" in text
    assert text.count("  timed       forward pass only\n") == 1
    assert "  clock       a clock · takes 500 ns itself\n" in text
    assert "load average 0.5 before, 1.2 after, other processes took up to 12.5 % of the CPUs" in text
    line = next(line for line in text.splitlines() if " eager " in line)
    # 10.5 ms for two images: 5.25 ms each, 2 / 0.0105 = 190.5 a second.
    figures = ("10.5 ms", "[10.0, 11.0] ms", "14.9 ms", "46.5 ms", "500 µs", "10", "1", "5.25 ms", "190.5")
    assert re.findall(r"\[.*?\] ms|\S+ [mµ]s|\S+", line)[4:] == list(figures)
    assert "1 outlier, max 50.0 ms" in text
    assert "cpu, compile, channels_last: outputs agree with eager PyTorch's, within 2.0e-06 of the largest" in text
    assert "cpu, compile, channels_last: its median moved" in text
    assert "cpu, openvino: RuntimeError: no such operation" in text


def test_text_says_how_fast_a_card_ran(profile: Profile) -> None:
    gpu = Gpu(
        driver="580.1", readings=12, clock_hz=1_755_000_000, lowest_clock_hz=1_410_000_000,
        max_clock_hz=1_980_000_000, temperature_c=61,
    )  # fmt: skip
    card = {"device": "cuda:0", "device_name": "A card"}
    models = [latency(**card, gpu=gpu), latency(**card, backend="compile", gpu=Gpu(driver="580.1"))]

    text = rendered("text", Benchmark(profiles=[with_latency(profile, models[0])]))
    silent = rendered("text", Benchmark(profiles=[with_latency(profile, models[1])]))

    assert "  cuda:0      A card\n" in text
    assert "cuda:0, eager: median clock 1,755 MHz (max 1,980), lowest 1,410 MHz, up to 61 °C (12 readings)" in text
    assert "cuda:0, compile: its driver tells nothing (0 readings)" in silent


def test_text_gives_verdicts_with_names_that_differ(several: Benchmark) -> None:
    text = rendered("text", several)

    assert (
        "tiny-variant #2 is slower than tiny-variant on cpu with eager: ×1.050, 99.5 % interval [1.030, 1.070], "
        "1,200 blocks in random order"
    ) in text
    assert "no significant difference between tiny-variant #3 and tiny-variant on cpu with eager: ×1.000" in text


def test_a_difference_within_the_margin_is_said_to_be_one(several: Benchmark) -> None:
    """An interval without 1 and no verdict: the margin is the reason."""
    result = Ratio(ratio=1.022, interval=(1.012, 1.033), confidence=0.995, margin=0.02, verdict="cannot tell")
    comparison = msgspec.structs.replace(several.comparisons[1], result=result)

    expected = "×1.022, 99.5 % interval [1.012, 1.033], not all of it beyond the margin of 2 %, 1,200 blocks"
    text = rendered("text", msgspec.structs.replace(several, comparisons=[comparison]))
    assert expected in " ".join(text.split())
    assert "margin" not in rendered("text", several)


def test_json_is_a_profile_or_a_benchmark(single_model: Benchmark, several: Benchmark) -> None:
    assert Profile.from_json(rendered("json", single_model)) == single_model.profiles[0]
    saved = msgspec.json.decode(rendered("json", several), type=Benchmark)
    assert saved == several
    assert json.loads(rendered("json", several))["comparisons"][0]["result"]["verdict"] == "slower"


def test_csv_has_raw_seconds(single_model: Benchmark) -> None:
    first, _, failed = csv.DictReader(io.StringIO(rendered("csv", single_model)))
    assert (first["latency_s"], first["latency_ci95_low_s"], first["samples"]) == ("0.0105", "0.01", "10")
    assert (failed["latency_s"], failed["outliers"], failed["error"]) == ("", "", "RuntimeError: no such operation")


def test_the_summary_has_a_line_for_each_place(profile: Profile) -> None:
    result = dict(facts.facts(with_latency(profile, latency(), FAILED)))
    assert result["latency"] == [
        "cpu, eager: median 10.5 ms, 95 % interval [10.0, 11.0] ms, 10 samples",
        "cpu, openvino: RuntimeError: no such operation",
    ]
    assert "latency" not in dict(facts.facts(profile))


def test_the_histograms_of_a_table_share_an_axis(profile: Profile) -> None:
    # 32 bins from 10 to 42 ms, one a millisecond: 10 and 11.5 ms are in the first two, 41.5 and 42 ms in the last.
    fast = latency(samples_s=[0.010, 0.0115], outliers=0)
    slow = latency(samples_s=[0.0415, 0.042], outliers=0, backend="compile")
    text = rendered("text", Benchmark(profiles=[with_latency(profile, fast, slow)]))

    heading, first, second = (line for line in text.splitlines() if "samples from" in line or "█" in line)
    assert "samples from 10.0 ms to 42.0 ms" in heading
    start = heading.index("samples from")
    assert first[start : start + 32] == "██" + 30 * " "
    assert second[start : start + 32] == 31 * " " + "█"


def test_a_histogram_counts_samples_in_equal_bins() -> None:
    # Four bins of one second: 8, 1, 0 and 4 samples; the end belongs to the last one, 9 and -1 to none. A bin's block
    # is its eighths of the fullest, rounded up: 8/8, 1/8, none, 4/8.
    samples = [0.5] * 8 + [1.0] + [3.5] * 3 + [4.0] + [9.0, -1.0]
    assert histogram(samples, 0, 4, 4) == "█▁ ▄"
    assert histogram([2.0, 2.0], 2, 2, 4) == "█"
