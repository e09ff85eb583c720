from __future__ import annotations

import collections
import datetime
import io
import pathlib
import pickle
import pickletools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archprof.sources.checkpoint.error import CheckpointError
from archprof.sources.checkpoint.nodes import Name, Object, class_of, state_of
from archprof.sources.checkpoint.plain import plain
from archprof.sources.checkpoint.reader import read
from archprof.sources.checkpoint.walker import Walker

if TYPE_CHECKING:
    from collections.abc import Callable

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)

leaves = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=30
)


def walked(data: bytes) -> Any:
    return Walker(Path("file.pt")).walk(io.BytesIO(data))


@given(values, st.sampled_from(PROTOCOLS))
def test_plain_data_is_what_the_unpickler_gives(value: Any, protocol: int) -> None:
    assert plain(walked(pickle.dumps(value, protocol)), "it") == value


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1, (2, 3), ()), [1, [2, 3], []]),
        ({1}, [1]),
        (frozenset({1}), [1]),
        (collections.OrderedDict(a=1), {"a": 1}),
        (collections.defaultdict(list, a=[1]), {"a": [1]}),
        (pathlib.PurePosixPath("runs/train"), "runs/train"),
    ],
)
def test_containers_become_lists_and_dicts(value: Any, expected: Any, protocol: int) -> None:
    assert plain(walked(pickle.dumps(value, protocol)), "it") == expected


class Point:
    def __init__(self) -> None:
        self.x = 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_instances_are_records_of_class_and_state(protocol: int) -> None:
    node = walked(pickle.dumps(Point(), protocol))

    assert class_of(node) == Name(Point.__module__, "Point")
    assert plain(state_of(node), "it") == {"x": 1}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_calls_are_records_of_callee_and_arguments(protocol: int) -> None:
    node = walked(pickle.dumps(datetime.timedelta(days=3), protocol))

    assert isinstance(node, Object)
    assert (node.callee, node.arguments) == (Name("datetime", "timedelta"), (3, 0, 0))


class RunsCode:
    """Something that a pickle can hold: whoever loads it calls the function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.function, self.arguments


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_file_that_would_run_code_is_read_and_runs_nothing(tmp_path: Path, protocol: int) -> None:
    import torch

    marker = tmp_path / "marker"
    values = {"weight": torch.zeros(2, 3), "bias": torch.zeros(2), "payload": RunsCode(Path.touch, marker)}
    torch.save(values, tmp_path / "model.pt", pickle_protocol=protocol)

    checkpoint = read(tmp_path / "model.pt")

    assert not marker.exists()
    torch.load(tmp_path / "model.pt", weights_only=False)
    assert marker.exists()  # so it does hold what runs when it is loaded
    assert checkpoint.shapes == {"weight": (2, 3), "bias": (2,)}
    assert checkpoint.foreign
    assert "Path.touch" in checkpoint.notes[-1] or "getattr, pathlib.Path" in checkpoint.notes[-1]
    assert "nothing was run" in checkpoint.notes[-1]


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize(
    ("function", "arguments", "name"),
    [
        (eval, ("1 + 1",), "eval"),
        (exec, ("pass",), "exec"),
        (getattr, ("text", "upper"), "getattr"),
        (__import__, ("this_module_is_nowhere",), "__import__"),
        (pickle.loads, (b"N.",), "loads"),
    ],
)
def test_functions_that_loading_would_call_are_named(
    write: Callable[[str, bytes], Path], function: Any, arguments: tuple[Any, ...], name: str, protocol: int
) -> None:
    path = write("model.pt", pickle.dumps({"entry": RunsCode(function, *arguments)}, protocol))

    checkpoint = read(path)

    assert checkpoint.kind == "unknown"
    assert [entry for entry in checkpoint.foreign if entry.endswith(name)]


def test_functions_of_expected_packages_are_named_where_loading_would_call_them(tmp_path: Path) -> None:
    import torch
    from torch import nn

    torch.save({"weight": torch.zeros(1), "entry": RunsCode(nn.init.calculate_gain, "relu")}, tmp_path / "model.pt")

    assert read(tmp_path / "model.pt").foreign == ("torch.nn.init.calculate_gain",)


# A value, then every other opcode with what it needs on the stack: each must be known, and none may break the reader.
@pytest.mark.parametrize("opcode", pickletools.opcodes, ids=lambda opcode: opcode.name)
def test_every_opcode_is_known(opcode: pickletools.OpcodeInfo) -> None:
    arguments = {
        None: b"",
        "uint1": b"\x01",
        "uint2": b"\x01\x00",
        "int4": b"\x01\x00\x00\x00",
        "uint4": b"\x01\x00\x00\x00",
        "uint8": b"\x01" + bytes(7),
        "decimalnl_short": b"1\n",
        "decimalnl_long": b"1L\n",
        "long1": b"\x01\x05",
        "long4": b"\x01\x00\x00\x00\x05",
        "floatnl": b"1.5\n",
        "float8": bytes(8),
        "stringnl": b"'a'\n",
        "stringnl_noescape": b"a\n",
        "stringnl_noescape_pair": b"collections\nOrderedDict\n",
        "unicodestringnl": b"a\n",
        "string1": b"\x01a",
        "string4": b"\x01\x00\x00\x00a",
        "bytes1": b"\x01a",
        "bytes4": b"\x01\x00\x00\x00a",
        "bytes8": b"\x01" + bytes(7) + b"a",
        "bytearray8": b"\x01" + bytes(7) + b"a",
        "unicodestring1": b"\x01a",
        "unicodestring4": b"\x01\x00\x00\x00a",
        "unicodestring8": b"\x01" + bytes(7) + b"a",
    }
    before = {
        "APPEND": b"]N",
        "APPENDS": b"](N",
        "ADDITEMS": b"\x8f(N",
        "SETITEM": b"}NN",
        "SETITEMS": b"}(NN",
        "BUILD": b"N}",
        "REDUCE": b"cbuiltins\nlist\n)",
        "NEWOBJ": b"cbuiltins\nlist\n)",
        "NEWOBJ_EX": b"cbuiltins\nlist\n)}",
        "STACK_GLOBAL": b"\x8c\x08builtins\x8c\x04list",
        "BINPERSID": b"N",
        "READONLY_BUFFER": b"\x97",
        **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), b"Nq\x01"),
        **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE", "DUP"), b"N"),
        **dict.fromkeys(("LIST", "TUPLE", "FROZENSET", "INST", "POP_MARK"), b"(N"),
        "OBJ": b"(cbuiltins\nlist\n",
        "DICT": b"(NN",
        "TUPLE1": b"N",
        "TUPLE2": b"NN",
        "TUPLE3": b"NNN",
        "POP": b"NN",
        "STOP": b"N",
    }
    argument = arguments[opcode.arg.name if opcode.arg else None]

    after = b"N" if opcode.name == "MARK" else b""

    walker = Walker(Path("file.pt"))
    # Something to return stands below, for what leaves nothing.
    data = b"N" + before.get(opcode.name, b"") + opcode.code.encode("latin-1") + argument + after + b"."
    walker.walk(io.BytesIO(data))

    assert walker.opcodes > 1


def refusal(data: bytes) -> CheckpointError | None:
    try:
        walked(data)
    except CheckpointError as error:
        return error
    return None


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    error = refusal(data)

    assert error is None or (error.path == Path("file.pt") and error.hint)


@given(st.data())
def test_damaged_pickles_are_read_or_refused(data: st.DataObject) -> None:
    whole = bytearray(pickle.dumps([{"a": Point(), "b": (1, "text")}, collections.OrderedDict(c=1.5)], 4))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))

    error = refusal(bytes(whole))

    assert error is None or "damaged" in error.message
