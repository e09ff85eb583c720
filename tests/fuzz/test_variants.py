"""Whatever a YAML says, it ends in a profile or in a clean message: no traceback, no hang, no end of memory.

Cases are rows put together from the blocks that there are, and the real YAMLs of the zoo and of Ultralytics, changed:
as data, with values that nobody meant, and as text. ``ARCHPROF_FUZZ`` says how many.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from archprof.builder.options import Options
from archprof.builder.registry import registry
from archprof.builder.stock import register_stock, register_torchvision
from archprof.errors import ArchprofError, BuildError, RunError, VariantError
from archprof.pipeline.counting import profile_spec
from archprof.sources import families
from archprof.sources.origins.stock import stock
from archprof.sources.yaml_file import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archprof.records.profile import Profile

CASES = int(os.environ.get("ARCHPROF_FUZZ", "200"))
SECONDS = 5.0
"""What a case may take of the processor; other work on the machine does not count."""
BYTES = 10**9
"""What a case may take of memory, beyond what the process has already."""

FILES = sorted({*stock().values(), *(path for _, _, path in families.variants())})
register_stock()
register_torchvision()
BLOCKS = sorted(set(registry.names("ultralytics")))
COMMON = (
    "Conv",
    "C3k2",
    "C2f",
    "SPPF",
    "Concat",
    "nn.Upsample",
    "Detect",
    "Classify",
    "DynamicConv",
    "A2C2f",
    "Segment",
)

NUMBERS = st.one_of(
    st.integers(-3, 16),
    st.sampled_from([0, -1, 1, 2, 3, 8, 32, 64, 256, 1024, 65_537, 2**31, 2**63, 10**12, 10**30, -(2**40)]),
    st.sampled_from([0.0, 0.25, 0.5, 1.5, -0.5, 1e-300, 1e308, float("inf"), float("-inf"), float("nan")]),
)
TEXTS = st.one_of(
    st.sampled_from(
        [
            "nc",
            "None",
            "True",
            "nearest",
            "kpt_shape",
            "[1, 2]",
            "__import__('os').system('false')",
            "1" * 200,
            "(" * 99,
        ]
    ),
    st.text(max_size=8),
)
VALUES = st.recursive(
    st.one_of(NUMBERS, st.booleans(), st.none(), TEXTS), lambda inner: st.lists(inner, max_size=3), max_leaves=4
)
NAMES = st.one_of(st.sampled_from(COMMON), st.sampled_from(BLOCKS), TEXTS)
ROWS = st.tuples(
    st.one_of(st.just(-1), st.integers(-4, 4), st.lists(st.integers(-4, 4), max_size=3)),
    st.one_of(st.just(1), st.integers(1, 4), NUMBERS),
    NAMES,
    st.one_of(
        st.tuples(st.sampled_from([8, 16, 32]), st.sampled_from([1, 3]), st.sampled_from([1, 2])).map(list),
        st.lists(VALUES, max_size=4),
    ),
).map(list)
SENSIBLE = st.one_of(
    st.tuples(st.just(-1), st.integers(1, 2), st.sampled_from(["Conv", "GhostConv", "DWConv", "SCDown"]),
              st.tuples(st.sampled_from([8, 16, 32]), st.sampled_from([1, 3]), st.sampled_from([1, 2])).map(list)),
    st.tuples(st.just(-1), st.integers(1, 3), st.sampled_from(["C3k2", "C2f", "C3", "C2fCIB", "C2PSA", "SPPF"]),
              st.tuples(st.sampled_from([8, 16, 128])).map(list)),
    st.tuples(st.integers(-3, -1), st.just(1), st.just("nn.Upsample"), st.just([None, 2, "nearest"])),
    st.tuples(st.lists(st.integers(-3, -1), min_size=2, max_size=2), st.just(1), st.just("Concat"), st.just([1])),
).map(list)  # fmt: skip
KEYS = st.sampled_from(
    ["nc", "scales", "scale", "activation", "kpt_shape", "reg_max", "end2end", "channels", "sequence", "family", "task",
     "depth_multiple", "width_multiple", "experts", "inplace", "backbone", "head", "names"]
)  # fmt: skip


@st.composite
def put_together(draw: st.DrawFn) -> str:
    """A variant of a few rows."""
    first = [-1, 1, "Conv", [8, 3, 2]]
    data: dict[str, Any] = {
        "nc": 3,
        "backbone": [first, *draw(st.lists(st.one_of(SENSIBLE, SENSIBLE, SENSIBLE, ROWS), max_size=5))],
    }
    if draw(st.booleans()):
        data["head"] = [[-1, 1, draw(st.sampled_from(["Classify", "Detect", "Segment", "Pose"])), ["nc"]]]
    data |= draw(st.dictionaries(KEYS, VALUES, max_size=1))
    return yaml.safe_dump(data)


def _change(draw: st.DrawFn, data: dict[str, Any]) -> None:
    """One change to a variant as data."""
    part = data[draw(st.sampled_from([key for key in ("backbone", "head") if isinstance(data.get(key), list)]))]
    place = draw(st.integers(0, len(part) - 1)) if part else 0
    kind = draw(st.sampled_from(["value", "cell", "row", "out", "twice", "swap", "key", "drop"]))
    row = part[place] if part else None
    if kind == "key" or not isinstance(row, list):
        data[draw(KEYS)] = draw(VALUES)
    elif kind == "drop":
        data.pop(draw(KEYS), None)
    elif kind == "row":
        part.insert(place, draw(ROWS))
    elif kind == "out":
        del part[place]
    elif kind == "twice":
        part.insert(place, part[place])
    elif kind == "swap":
        part.insert(draw(st.integers(0, len(part) - 1)), part.pop(place))
    elif kind == "value" and len(row) == 4 and isinstance(row[3], list) and row[3]:
        row[3] = list(row[3])
        row[3][draw(st.integers(0, len(row[3]) - 1))] = draw(VALUES)
    else:
        part[place] = [*row]
        part[place][draw(st.integers(0, len(row) - 1))] = draw(st.one_of(VALUES, NAMES)) if row else None


@st.composite
def changed_as_data(draw: st.DrawFn) -> str:
    """A real variant with one to three changes."""
    data = yaml.safe_load(draw(st.sampled_from(FILES)).read_text(encoding="utf-8"))
    for _ in range(draw(st.integers(1, 3))):
        if not any(isinstance(data.get(key), list) for key in ("backbone", "head")):
            break
        _change(draw, data)
    return yaml.safe_dump(data)


PIECES = ("", "[", "]", ": ", "- ", "&a ", "*a", "!!python/object:os.system ", "\t", "\x00", "9" * 50, "{}")


@st.composite
def changed_as_text(draw: st.DrawFn) -> str:
    """A real variant with a piece cut out, put in, or moved."""
    text = draw(st.sampled_from(FILES)).read_text(encoding="utf-8")
    start = draw(st.integers(0, len(text) - 1))
    end = min(start + draw(st.integers(0, 40)), len(text))
    piece = draw(st.one_of(st.sampled_from(PIECES), st.text(max_size=5), st.just(text[max(start - 60, 0) : start])))
    return text[:start] + piece + text[end:]


class TookTooLong(BaseException):
    """Not an Exception, so that nothing takes it for a reason why a block cannot be built, and the case is shown."""


@contextmanager
def bounds() -> Iterator[None]:
    """While it holds, too much time of the processor raises, and memory beyond the bound cannot be had."""

    def stop(*arguments: object) -> None:
        raise TookTooLong(f"more than {SECONDS:g} s")

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    held = int(Path("/proc/self/status").read_text().partition("VmData:")[2].split()[0]) * 1024
    before = signal.signal(signal.SIGPROF, stop)
    resource.setrlimit(resource.RLIMIT_DATA, (held + BYTES, hard))
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
        signal.signal(signal.SIGPROF, before)


def judge(path: Path, text: str) -> None:
    """Profile a case; anything but a profile or a clean error is raised."""
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    profile: Profile | ArchprofError
    try:
        with bounds():
            profile = profile_spec(load(path), Options())
    except ArchprofError as error:
        profile = error
    except TookTooLong as late:
        raise AssertionError(f"{late}:\n{text}") from late
    if not isinstance(profile, ArchprofError):
        assert profile.totals.parameters >= 0
        assert profile.totals.flops == 2 * profile.totals.macs
        return
    said = str(profile)
    assert profile.message.strip()
    assert not any(line.startswith("Traceback") for line in said.splitlines())
    if isinstance(profile, (VariantError, BuildError, RunError)):
        assert profile.path == path, said
        assert profile.line is not None or profile.message.startswith(OF_THE_WHOLE), said
        assert profile.line is None or 1 <= profile.line <= text.count("\n") + text.count("\r") + 2, said


OF_THE_WHOLE = ("the file is empty", "a binary file, not YAML", "not valid YAML: ")
"""What is said of a file as a whole, and not of a line."""


@pytest.mark.skipif(sys.platform != "linux", reason="bounds are Linux's")
@pytest.mark.timeout(600 + 2 * CASES)
@hypothesis.settings(
    max_examples=CASES,
    deadline=None,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate, hypothesis.Phase.shrink],
)
@given(text=st.one_of(put_together(), put_together(), put_together(), changed_as_data(), changed_as_text()))
def test_every_yaml_ends_in_a_profile_or_a_clean_message(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    judge(tmp_path_factory.getbasetemp() / "fuzzed.yaml", text)
