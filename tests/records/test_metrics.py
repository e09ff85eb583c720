from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest

from archprof.compare.model import metrics_in, of_profile
from archprof.errors import UsageError
from archprof.records.latency import Latency
from archprof.records.metrics import METRICS, find_metric
from archprof.records.profile import Profile, Totals
from archprof.units import Unit

# Each total is its place in this list, so that no two can be taken for each other.
FIELDS = [
    "modules",
    "layers",
    "parameters",
    "trainable_parameters",
    "macs",
    "flops",
    "elementwise_flops",
    "weight_bytes",
    "activation_elements",
    "activation_bytes",
    "peak_activation_bytes",
    "bytes_read",
    "bytes_written",
]


@pytest.fixture
def numbered(profile: Profile) -> Profile:
    totals = Totals(**{field: index for index, field in enumerate(FIELDS)})
    return msgspec.structs.replace(profile, totals=totals)


@pytest.mark.parametrize(
    ("name", "value", "unit"),
    [
        ("modules", 0, Unit.things),
        ("layers", 1, Unit.things),
        ("parameters", 2, Unit.things),
        ("trainable_parameters", 3, Unit.things),
        ("macs", 4, Unit.macs),
        ("flops", 5, Unit.flops),
        ("elementwise_flops", 6, Unit.flops),
        ("weight_bytes", 7, Unit.bytes),
        ("activation_bytes", 9, Unit.bytes),
        ("peak_activation_bytes", 10, Unit.bytes),
        ("bytes_read", 11, Unit.bytes),
        ("bytes_written", 12, Unit.bytes),
        ("backward_flops", None, Unit.flops),
        # A model without dynamic layers is its own static equivalent.
        ("parameters_ratio", 1, Unit.times),
        ("flops_ratio", 1, Unit.times),
        # As printed, 6.2 GFLOPs and 4.5 GMACs, in ones.
        ("thop-2.0", 6_200_000_000, Unit.flops),
        ("fvcore", 4_500_000_000, Unit.macs),
        ("torchprofile", None, Unit.macs),
        ("latency", None, Unit.seconds),
    ],
)
def test_each_is_what_the_profile_says(numbered: Profile, name: str, value: int | None, unit: Unit) -> None:
    metric = find_metric(name)
    assert (metric.name, metric.of(numbered), metric.unit) == (name, value, unit)


def test_every_metric_has_a_label_of_its_own() -> None:
    labels = [metric.label for metric in METRICS.values()]
    assert len(set(labels)) == len(labels)


def test_what_a_profile_has(profile: Profile) -> None:
    assert [metric.name for metric in metrics_in([of_profile(profile)])] == [
        "parameters",
        "trainable_parameters",
        "layers",
        "modules",
        "macs",
        "flops",
        "elementwise_flops",
        "weight_bytes",
        "activation_bytes",
        "peak_activation_bytes",
        "bytes_read",
        "bytes_written",
        "fvcore",
        "thop-2.0",
    ]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("flop", "did you mean flops"),
        ("param", "did you mean params"),
        ("trafic", "did you mean traffic"),
        ("latency/cpu", "did you mean latency"),
        ("xyzzy", "metrics: parameters, trainable_parameters, layers"),
    ],
)
def test_what_is_no_metric(name: str, hint: str) -> None:
    with pytest.raises(UsageError, match=f"no metric '{name}'") as caught:
        find_metric(name)
    assert hint in str(caught.value)


def test_operations_without_a_formula_make_sums_over_operations_lower_bounds(profile: Profile) -> None:
    unknown = msgspec.structs.replace(profile.coverage, unknown={"mine.op": 2})
    bounded = msgspec.structs.replace(profile, coverage=unknown)
    assert not any(metric.lower_bound(profile) for metric in METRICS.values())
    assert find_metric("flops").lower_bound(bounded)
    assert not find_metric("parameters").lower_bound(bounded)


def test_latencies_go_by_device_and_backend(profile: Profile) -> None:
    two = [
        Latency(
            device=device, device_name="x", backend="eager", dtype="float32", batch=1, threads=1, scope="", median_s=s
        )
        for device, s in (("cpu", 0.2), ("cuda:0", 0.1))
    ]
    with_latency = msgspec.structs.replace(profile, latency=two)
    result = [metric.name for metric in metrics_in([of_profile(with_latency)])]
    assert result[-2:] == [
        "latency/cpu/eager",
        "latency/cuda:0/eager",
    ]
    assert find_metric("latency/cuda:0/eager").of(with_latency) == 0.1
    assert not find_metric("latency/cpu/eager").exact
    with pytest.raises(UsageError, match="one has several latencies"):
        find_metric("latency").of(with_latency)


def test_metrics_do_not_need_torch() -> None:
    code = "import sys, archprof.records.metrics; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"torch", "torchvision", "timm", "ultralytics"} & set(run.stdout.split()) == set()
