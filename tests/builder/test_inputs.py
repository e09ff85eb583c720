"""The input of a model, and what is said of one that cannot be."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from archprof.builder.built import Built
from archprof.builder.device import find_device
from archprof.builder.inputs import make_inputs
from archprof.errors import ArchprofError, DeviceError, UsageError
from archprof.sources.origins.python import PythonSpec

SPEC = PythonSpec(name="mine", reference="mine.py:mine", target="mine.py:mine")
IMAGES = Built(nn.Identity(), SPEC, size=(640, 640), strides=(8, 16, 32))
TOKENS = Built(nn.Identity(), SPEC, size=(512,), kind="tokens")


def test_the_models_own_size() -> None:
    (image,) = make_inputs(IMAGES)
    assert (image.shape, image.dtype, image.device.type) == ((1, 3, 640, 640), torch.float32, "meta")
    (tokens,) = make_inputs(TOKENS, batch=2)
    assert (tokens.shape, tokens.dtype) == ((2, 512), torch.int64)


def test_what_is_asked_for() -> None:
    (image,) = make_inputs(IMAGES, size=(384, 640), batch=4, dtype="bfloat16", device="cpu")
    assert (image.shape, image.dtype) == ((4, 3, 384, 640), torch.bfloat16)
    assert make_inputs(IMAGES, size=(96,))[0].shape == (1, 3, 96, 96)
    assert make_inputs(TOKENS, size=(7,), device="cpu")[0].tolist() == [[0] * 7]


def test_the_same_values_each_time_and_no_random_number_used() -> None:
    torch.manual_seed(3)
    state = torch.get_rng_state()
    first, second = (make_inputs(IMAGES, size=(64, 64), device="cpu")[0] for _ in range(2))
    assert torch.equal(first, second)
    assert 0 <= float(first.min()) < float(first.max()) < 1
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        ({"size": (650, 650)}, "image size 650x650 is not a multiple of 32", "640x640 and 672x672"),
        ({"size": (640, 650)}, "image size 640x650 is not a multiple of 32", "640x640 and 640x672"),
        ({"size": (20, 20)}, "image size 20x20 is not a multiple of 32", "the nearest is 32x32"),
        ({"size": (0, 32)}, "invalid image size: 0x32", "both positive"),
        ({"size": (-32, 32)}, "invalid image size: -32x32", "both positive"),
        ({"size": (32, 32, 32)}, "invalid image size: 32x32x32", "HEIGHTxWIDTH"),
        ({"batch": 0}, "batch 0 is not positive", None),
        ({"dtype": "float31"}, "unknown dtype 'float31'", "float32"),
        ({"dtype": "int8"}, "unknown dtype 'int8'", "float32, float16, bfloat16, float64"),
        ({"device": "tpu"}, "unknown device 'tpu'", "cpu, cuda, cuda:N or meta"),
        ({"device": "cuda:x"}, "unknown device 'cuda:x'", "cpu, cuda, cuda:N or meta"),
    ],
)
def test_what_cannot_be(options: dict[str, object], message: str, hint: str | None) -> None:
    with pytest.raises(UsageError) as caught:
        make_inputs(IMAGES, **options)  # type: ignore[arg-type]
    assert caught.value.message.startswith(message)
    assert (hint or "") in (caught.value.hint or "")


def test_a_text_has_one_length() -> None:
    with pytest.raises(UsageError, match="invalid length of a text: 32x32"):
        make_inputs(TOKENS, size=(32, 32))


def test_a_device_that_is_not_there() -> None:
    with pytest.raises(DeviceError) as caught:
        find_device("cuda:99")
    assert caught.value.message == "there is no device 'cuda:99' here"
    assert str(caught.value.hint).startswith("there is cpu, meta")
    assert isinstance(caught.value, ArchprofError)
