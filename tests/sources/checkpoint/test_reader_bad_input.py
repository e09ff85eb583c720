"""Files that are damaged, foreign, or made to exhaust whoever reads them: one message each, nothing run or written.

What passes a limit passes it by little: none of these files is of any harm to other readers.
"""

from __future__ import annotations

import pickle
import struct
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
import torch

from archprof.errors import ArchprofError
from archprof.sources.checkpoint import limits
from archprof.sources.checkpoint.error import CheckpointError
from archprof.sources.checkpoint.reader import read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Write = Callable[[str, bytes], Path]
    WriteZip = Callable[..., Path]


def refused(path: Path) -> CheckpointError:
    before = sorted(path.parent.rglob("*"))
    with pytest.raises(CheckpointError) as caught:
        read(path)
    assert isinstance(caught.value, ArchprofError)
    assert caught.value.path == path
    assert len(caught.value.message) < 300
    assert sorted(path.parent.rglob("*")) == before
    return caught.value


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "a JPEG image"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:", "a Git LFS pointer"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"<HTML>", "a web page"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"GGUF\x03\x00\x00\x00", "a GGUF file"),
        (b"\x1c\x00\x00\x00TFL3", "a TensorFlow Lite model"),
        (b"\x1f\x8b\x08\x00", "gzip data"),
        (bytes(257) + b"ustar\x0000", "a tar archive"),
        (b"nc: 80\nbackbone:\n", "not a checkpoint"),
        (b"\x08\x08\x12\x07pytorch", "not a checkpoint"),
    ],
)
def test_foreign_file_is_named(write: Write, head: bytes, what: str) -> None:
    error = refused(write("best.pt", head + bytes(1000)))

    assert error.message.startswith(what)
    assert error.hint


def test_missing_file_directory_and_empty_file(tmp_path: Path, write: Write) -> None:
    assert "No such file" in refused(tmp_path / "none.pt").message
    assert refused(tmp_path).message == "a directory"
    assert refused(write("empty.pt", b"")).message == "the file is empty"


@pytest.mark.parametrize("name", ["last", "state_dict", "legacy_state_dict", "legacy_module", "safetensors"])
@pytest.mark.parametrize("share", [0.001, 0.01, 0.3, 0.9, 0.9999])
def test_truncated_file(files: dict[str, Path], write: Write, name: str, share: float) -> None:
    data = files[name].read_bytes()

    error = refused(write("cut.pt", data[: int(len(data) * share)]))

    assert error.hint


@pytest.mark.parametrize("keep", [30, 200, 5000])
def test_truncated_torchscript(torchscript: Path, write: Write, keep: int) -> None:
    assert "truncated" in refused(write("cut.pt", torchscript.read_bytes()[:-keep])).message


PICKLE = pickle.dumps({"a": 1}, 2)


def test_zip_files_of_others(write_zip: WriteZip) -> None:
    assert "exported program" in refused(write_zip({"archive_format": b"pt2", "models/model.json": b"{}"})).message
    assert "NumPy archive" in refused(write_zip({"a.npy": b"", "b.npy": b""})).message
    assert "Office document" in refused(write_zip({"[Content_Types].xml": b""}, root="")).message
    assert "torch.save did not write it" in refused(write_zip({"data.pkl": PICKLE}, root="")).message
    assert (
        "torch.save did not write it"
        in refused(write_zip({"a/data.pkl": PICKLE, "b/data.pkl": PICKLE}, root="")).message
    )


@pytest.mark.parametrize("name", ["../../data.pkl", "archive/../data.pkl", "/etc/data.pkl", "archive\\..\\data.pkl"])
def test_names_that_lead_out_of_the_archive(write_zip: WriteZip, name: str) -> None:
    assert "leads out" in refused(write_zip({name: PICKLE, "archive/data.pkl": PICKLE}, root="")).message


def test_a_name_that_stands_twice(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", PICKLE)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("archive/data.pkl", PICKLE)

    assert "two entries" in refused(path).message


def test_an_encrypted_record(write_zip: WriteZip) -> None:
    path = write_zip({"data.pkl": PICKLE})
    data = bytearray(path.read_bytes())
    data[6] |= 1  # the flag in the record's own header, and in the directory's
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)

    assert refused(path).message == "data.pkl is encrypted"


def test_a_record_that_does_not_have_its_checksum(write_zip: WriteZip) -> None:
    path = write_zip({"data.pkl": PICKLE})
    data = bytearray(path.read_bytes())
    data[data.index(PICKLE) + 5] ^= 1
    path.write_bytes(data)

    assert "damaged" in refused(path).message


def test_a_small_record_that_unpacks_to_a_large_one(write_zip: WriteZip) -> None:
    path = write_zip({"data.pkl": bytes(limits.MAX_PICKLE_BYTES + 1)}, compression=zipfile.ZIP_DEFLATED)

    assert path.stat().st_size < 100_000
    assert "67,108,864 is the limit" in refused(path).message


def test_a_record_that_unpacks_to_more_than_it_says(write_zip: WriteZip) -> None:
    path = write_zip({"data.pkl": bytes(limits.MAX_PICKLE_BYTES + 1)}, compression=zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = struct.pack("<I", 1000)
    path.write_bytes(data)

    refused(path)


def test_a_directory_of_too_many_bytes(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", PICKLE)
        for index in range(limits.MAX_DIRECTORY_BYTES // 60_000 + 1):
            archive.writestr(f"archive/{index}{'x' * 60_000}", b"")

    assert "directory is larger than" in refused(path).message


def test_a_directory_that_claims_ten_gigabytes(write_zip: WriteZip) -> None:
    path = write_zip({"data.pkl": PICKLE})
    data = path.read_bytes()
    end = data.index(b"PK\x05\x06")
    path.write_bytes(data[: end + 12] + struct.pack("<I", 4_000_000_000) + data[end + 16 :])

    assert "truncated or damaged" in refused(path).message


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x80\x04\x8d" + struct.pack("<Q", 10 << 30) + b"text", id="text of 10 GB"),
        pytest.param(b"\x80\x04\x8e" + struct.pack("<Q", 10 << 30) + b"bytes", id="bytes of 10 GB"),
        pytest.param(b"\x80\x02X" + struct.pack("<I", 2**32 - 1) + b"text", id="text of 4 GB"),
        pytest.param(b"\x80\x02\x8b" + struct.pack("<i", 2**31 - 1) + b"\1", id="a number of 2 GB"),
        pytest.param(b"\x80\x02h\x05.", id="a memo entry that is not there"),
        pytest.param(b"\x80\x02.", id="nothing"),
        pytest.param(b"\x80\x02u.", id="no mark"),
        pytest.param(b"\x80\x02N(NNu.", id="items of None"),
        pytest.param(b"\x80\x02}(Nu.", id="a key without a value"),
        pytest.param(b"\x80\x02NN\x93.", id="a name that is no text"),
        pytest.param(b"\x80\x02\xff.", id="no opcode"),
        pytest.param(b"\x80\x02X\x01\x00\x00\x00\xff.", id="no UTF-8"),
        pytest.param(b"\x80\x02I12x\n.", id="no number"),
    ],
)
def test_damaged_pickles(write: Write, write_zip: WriteZip, data: bytes) -> None:
    assert "pickle is damaged" in refused(write("model.pkl", data)).message
    assert "pickle is damaged" in refused(write_zip({"data.pkl": data})).message


@pytest.mark.parametrize("opcode", [b"]", b"(", b"}", b"N0", b"2"])
def test_a_pickle_of_a_million_opcodes(write: Write, opcode: bytes) -> None:
    data = b"\x80\x02N" + opcode * limits.MAX_OPCODES + b"."

    assert "more than 1,000,000 opcodes" in refused(write("model.pkl", data)).message


def test_a_pickle_of_many_names(write: Write) -> None:
    data = b"\x80\x02N" + b"".join(b"cnumbers\nn%d\n" % index for index in range(limits.MAX_NAMES + 1)) + b"."

    assert "more than 10,000 classes and functions" in refused(write("model.pkl", data)).message


def test_lists_nested_deeply(write: Write) -> None:
    depth = 10_000

    checkpoint = read(write("model.pkl", b"\x80\x02" + b"]" * depth + b"a" * (depth - 1) + b"."))

    assert checkpoint.kind == "unknown"


def doubled(times: int) -> Any:
    """A list of two equal lists of two equal lists ...: small in a pickle, and 2**times items when it is unfolded."""
    value: Any = ["text"]
    for _ in range(times):
        value = [value, value]
    return value


@pytest.mark.parametrize("key", ["yaml", "names"])
def test_values_that_unfold_to_many(tmp_path: Path, key: str) -> None:
    model = torch.nn.Linear(1, 1)
    setattr(model, key, {"backbone": doubled(18)})
    torch.save({"model": model}, tmp_path / "model.pt")

    assert "unfolds into more than" in refused(tmp_path / "model.pt").message


def test_training_arguments_that_hold_themselves(tmp_path: Path) -> None:
    loop: list[Any] = []
    loop.append(loop)
    torch.save({"model": torch.nn.Linear(1, 1), "train_args": {"loop": loop}}, tmp_path / "model.pt")

    assert "unfolds into more than 40 levels" in refused(tmp_path / "model.pt").message


def test_modules_that_hold_themselves(tmp_path: Path) -> None:
    model = torch.nn.Sequential(torch.nn.Identity())
    model[0]._modules["parent"] = model
    torch.save(model, tmp_path / "model.pt")

    assert "more than 100 modules in one another" in refused(tmp_path / "model.pt").message


def test_modules_that_double(tmp_path: Path) -> None:
    model: torch.nn.Module = torch.nn.Identity()
    for _ in range(15):
        model = torch.nn.Sequential(model, model)
    torch.save(model, tmp_path / "model.pt")

    assert "more than 30,000 modules" in refused(tmp_path / "model.pt").message


def test_a_name_of_many_characters(tmp_path: Path) -> None:
    torch.save({"x" * 10_000: torch.zeros(1)}, tmp_path / "model.pt")

    assert "a name of 10,000 characters" in refused(tmp_path / "model.pt").message


def edited(path: Path, edit: Callable[[bytes], bytes]) -> Path:
    """A file of torch.save whose pickle is edited, and its checksum with it."""
    result = path.with_name("edited.pt")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(result, "w") as target:
        for entry in source.infolist():
            data = source.read(entry)
            target.writestr(entry.filename, edit(data) if entry.filename.endswith("data.pkl") else data)
    return result


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        # Tensors of 300 elements: the shape is (300,), and 300 is also the storage's length (BININT2, little-endian).
        (b"M\x2c\x01\x85", b"M\x2d\x01\x85", "reach beyond the 1,200 bytes of its storage"),
        (b"M\x2c\x01tq", b"M\x2d\x01tq", "should have 1,204 bytes; the file has 1,200"),
        (b"FloatStorage", b"OtherStorage", "its storage is nothing that torch writes"),
    ],
)
def test_tensors_that_do_not_fit_their_storage(tmp_path: Path, old: bytes, new: bytes, message: str) -> None:
    torch.save({"weight": torch.zeros(300)}, tmp_path / "model.pt")

    error = refused(edited(tmp_path / "model.pt", lambda data: data.replace(old, new)))

    assert error.message.startswith("tensor 'weight' is damaged: ")
    assert message in error.message


def header(text: bytes, length: int | None = None, values: int = 0) -> bytes:
    return struct.pack("<Q", len(text) if length is None else length) + text + bytes(values)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (header(b"{}", length=10 << 30), "should have 10,737,418,240 bytes; the limit is 16,777,216"),
        (header(b"{}  ", length=5000), "should have 5,000 bytes; the file has 12"),
        (header(b'{"a":'), "the header is damaged"),
        (header(b'{"a": 1}'), "the header is damaged"),
        (header(b'{"a":' * 5000), "the header is damaged"),
        (header(b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', values=4), "the file is truncated"),
        (header(b'{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}', values=8), "should have 12 bytes"),
        (header(b'{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}', values=8), "the header is damaged"),
        (header(b'{"a":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}}', values=8), "a dtype that is not known"),
    ],
)
def test_damaged_safetensors(write: Write, data: bytes, message: str) -> None:
    assert message in refused(write("model.safetensors", data)).message
