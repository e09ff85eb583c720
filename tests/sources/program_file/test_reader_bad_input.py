"""Files that are no exported program, or no sound one: each is one message."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archprof.errors import ArchprofError, LimitError
from archprof.sources.program_file.archive import MAX_DIRECTORY_BYTES
from archprof.sources.program_file.error import ProgramFileError
from archprof.sources.program_file.reader import MAX_NODES, content, read

if TYPE_CHECKING:
    from pathlib import Path

GRAPH: dict[str, Any] = {"inputs": [], "outputs": [], "nodes": [], "tensor_values": {}}
NODE = {"target": "torch.ops.aten.relu.default", "inputs": [], "outputs": [], "metadata": {}}


def program(version: Any = (8, 20), graph: Any = GRAPH, torch: str = "2.15.0") -> dict[str, Any]:
    """What a program's JSON says."""
    return {
        "graph_module": {"graph": graph, "signature": {"input_specs": [], "output_specs": []}},
        "schema_version": {"major": version[0], "minor": version[1]},
        "torch_version": torch,
    }


def save(path: Path, records: dict[str, bytes | str], compression: int = zipfile.ZIP_STORED) -> Path:
    """A zip file with these records."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in records.items():
            archive.writestr(f"net/{name}", data)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(ProgramFileError) as caught:
        read(path)
    assert caught.value.path == path
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_an_empty_program_is_sound(tmp_path: Path) -> None:
    file = read(save(tmp_path / "net.pt2", {"models/model.json": json.dumps(program())}))
    assert file.header.torch_version == "2.15.0"


def test_a_program_of_a_torch_before_2_8(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "net.pt2", "w") as archive:
        archive.writestr("serialized_exported_program.json", json.dumps(program((8, 2), torch="2.6.0")))
    assert read(tmp_path / "net.pt2").header.schema_version.minor == 2


def test_a_program_that_is_larger_than_a_zip_file_s_directory_may_be(tmp_path: Path) -> None:
    """Torch does not compress: a program of some 7,000 nodes has 16 MiB."""
    padding = {"comment": "a" * (MAX_DIRECTORY_BYTES + 1)}
    file = read(save(tmp_path / "net.pt2", {"models/model.json": json.dumps(program() | padding)}))
    assert file.header.torch_version == "2.15.0"


@pytest.mark.parametrize(("version", "hint"), [((9, 0), "update archprof"), ((7, 3), "export it again")])
def test_a_program_of_another_version(tmp_path: Path, version: tuple[int, int], hint: str) -> None:
    text = refusal(save(tmp_path / "net.pt2", {"models/model.json": json.dumps(program(version, torch="3.1"))}))
    assert f"version {version[0]}.{version[1]}" in text
    assert "torch 3.1" in text
    assert hint in text


@pytest.mark.parametrize(
    ("records", "says"),
    [
        ({"data/aotinductor/model/a.so": ""}, "AOTInductor"),
        ({"data.pkl": "", "data/0": ""}, "rename it to end in .pt"),
        ({"word/document.xml": ""}, "without a program"),
        ({"models/a.json": "{}", "models/b.json": "{}"}, "2 programs: a, b"),
        ({"models/model.json": "{"}, "damaged"),
        ({"models/model.json": "[]"}, "damaged"),
        ({"models/model.json": "[" * 100_000}, "damaged"),
        ({"models/model.json": json.dumps({"schema_version": {"major": 8}})}, "damaged"),
    ],
)
def test_another_zip_file(tmp_path: Path, records: dict[str, bytes | str], says: str) -> None:
    assert says in refusal(save(tmp_path / "net.pt2", records))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"<!DOCTYPE html>", "web page"),
        (b"hello, this is text", "not an exported program"),
        (b"PK\x03\x04" + b"\0" * 100, "truncated or damaged"),
    ],
)
def test_a_foreign_file(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "net.pt2"
    path.write_bytes(data)
    assert says in refusal(path)


def test_a_truncated_file_is_not_taken_for_the_zip_file_within_it(tmp_path: Path) -> None:
    inner = save(tmp_path / "sample.pt", {"data.pkl": b"."}).read_bytes()
    whole = save(
        tmp_path / "net.pt2", {"models/model.json": json.dumps(program()), "data/sample_inputs/model.pt": inner}
    )
    data = whole.read_bytes()
    whole.write_bytes(data[:-22])  # without the record that ends it, so that the last of the kind is the inner file's
    assert "truncated or damaged" in refusal(whole)


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = save(tmp_path / "net.pt2", {"models/model.json": b" " * (300 << 20)}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 1 << 20
    assert "unpacks to 314,572,800 bytes" in refusal(path)


def test_more_nodes_than_are_followed(tmp_path: Path) -> None:
    graph = {**GRAPH, "nodes": [NODE] * (MAX_NODES + 1)}
    path = save(tmp_path / "net.pt2", {"models/model.json": json.dumps(program(graph=graph))})
    with pytest.raises(LimitError, match="50,001 nodes"):
        read(path)


@pytest.mark.parametrize("part", ["[1],", '{"a":1},', "1,"])
def test_more_than_is_taken_into_memory(tmp_path: Path, part: str) -> None:
    text = json.dumps(program()).replace('"input_specs": []', f'"input_specs": [{part * 7_000_000}1]')
    path = save(tmp_path / "net.pt2", {"models/model.json": text[: 60 << 20]}, zipfile.ZIP_DEFLATED)
    with pytest.raises(LimitError, match="are the limits"):
        read(path)


def test_nodes_within_nodes_count(tmp_path: Path) -> None:
    inner = {**GRAPH, "nodes": [NODE] * (MAX_NODES // 2)}
    argument = {"name": "", "arg": {"as_graph": {"name": "g", "graph": inner}}}
    graph = {**GRAPH, "nodes": [{**NODE, "inputs": [argument, argument]}]}
    path = save(tmp_path / "net.pt2", {"models/model.json": json.dumps(program(graph=graph))})
    with pytest.raises(LimitError, match="50,001 nodes"):
        read(path)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_file_is_one_message(tmp_path: Path, data: st.DataObject) -> None:
    path = save(tmp_path / "net.pt2", {"models/model.json": json.dumps(program()), "data/weights/weight_0": b"1" * 64})
    content_before = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content_before[data.draw(st.integers(0, len(content_before) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content_before[: data.draw(st.integers(0, len(content_before)))])
    for function in (read, content):
        try:
            function(path)
        except ArchprofError:
            continue
