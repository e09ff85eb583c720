from __future__ import annotations

import msgspec
import pytest

from archprof.errors import UsageError
from archprof.records.latency import Latency
from archprof.records.metrics import METRICS
from archprof.records.profile import Coverage, Profile
from archprof.render.columns import LABELS, absent, chosen_table, of_profile, parse_columns


def latency(backend: str, median_s: float) -> Latency:
    return Latency(
        device="cpu",
        device_name="A processor",
        backend=backend,
        dtype="float32",
        batch=1,
        threads=1,
        scope="",
        median_s=median_s,
        ci95_s=(0.9 * median_s, 1.1 * median_s),
    )


def test_aliases_and_names_are_the_same_columns() -> None:
    assert parse_columns("model, Params,FLOPs,params,memory,latency/cpu/eager") == (
        "model",
        "parameters",
        "flops",
        "peak_activation_bytes",
        "latency/cpu/eager",
    )
    assert parse_columns(None) == ()


def test_every_metric_is_a_column_and_no_alias_means_two(profile: Profile) -> None:
    names = [name for metric in METRICS.values() for name in (metric.name, *metric.aliases)]
    assert len(set(names)) == len(names)
    assert not set(names) & set(LABELS)
    table = chosen_table([of_profile(profile)], parse_columns(",".join([*LABELS, *METRICS])))
    for metric in METRICS.values():
        column = table.columns[table.position(metric.column)]
        assert column.plain(table.records[0][table.position(metric.column)]) == metric.of(profile)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("parms", "unknown column 'parms'\ndid you mean params"),
        ("model,xyzzy", "unknown column 'xyzzy'\ncolumns: model, scale"),
        ("latency/cpu", "unknown column 'latency/cpu'\ndid you mean latency"),
        (" , ", "--columns names no column\nname some, as model,params,flops,latency"),
    ],
)
def test_an_unknown_column_is_a_mistake(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_columns(text)
    assert str(caught.value).startswith(message)


def test_figures_are_as_papers_print_them(profile: Profile) -> None:
    measured = msgspec.structs.replace(profile, latency=[latency("eager", 0.0123)])
    table = chosen_table([of_profile(measured)], ("model", "parameters", "flops", "weight_bytes", "layers", "latency"))
    assert [column.title for column in table.visible] == [
        "Model",
        "Params (M)",
        "FLOPs (G)",
        "Weights (MB)",
        "Layers",
        "Latency (ms)",
    ]
    # 21,024 parameters, 400 MFLOPs, 84,096 bytes; the smallest of a column keeps two digits.
    assert table.cells() == [["tiny-variant", "0.021", "0.40", "0.084", "20", "12.30 [11.07, 13.53]"]]


def test_of_several_latencies_each_line_has_its_own(profile: Profile) -> None:
    measured = msgspec.structs.replace(profile, latency=[latency("eager", 0.02), latency("compile", 0.01)])
    subjects = [of_profile(measured, entry) for entry in measured.latency]
    assert chosen_table(subjects, ("backend", "latency")).cells() == [
        ["eager", "20.00 [18.00, 22.00]"],
        ["compile", "10.00 [9.00, 11.00]"],
    ]
    with pytest.raises(UsageError, match="tiny-variant has several latencies"):
        chosen_table([of_profile(measured)], ("latency",))


def test_a_lower_bound_says_so_in_text_and_in_data(profile: Profile) -> None:
    unknown = Coverage(operations=763, counted=660, free=100, unknown={"my::op": 3})
    bounded = msgspec.structs.replace(profile, coverage=unknown)
    table = chosen_table([of_profile(profile), of_profile(bounded)], ("parameters", "flops"))
    assert table.cells() == [["0.021", "0.40"], ["0.021", ">= 0.40"]]
    assert [record[table.position("unknown_operations")] for record in table.records] == [0, 3]


def test_what_no_model_has_is_told_with_what_adds_it(profile: Profile) -> None:
    notes = absent([of_profile(profile)], ("model", "flops", "latency", "fvcore", "backward_flops"))
    assert notes == [
        "none of these models has latency: `archprof bench` and `archprof summary --latency` measure it",
        "none of these models has fvcore: --convention fvcore adds it",
        "none of these models has backward_flops: --backward counts a training step",
    ]
