"""A pass leaves the process as it was: random numbers, torch's flags, warning filters and the environment."""

from __future__ import annotations

import os
import random
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import nn

import archprof
from archprof.errors import RunError
from archprof.trace.run import trace, trace_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

X = torch.linspace(-1, 1, 4 * 8).view(4, 8)


class Does(nn.Module):
    """Does something before it runs its layer."""

    def __init__(self, action: Callable[[], object], *, fails: bool = False) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 8)
        self.action = action
        self.fails = fails

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.action()
        if self.fails:
            raise ValueError("no")
        y: torch.Tensor = self.layer(x)
        return y


def _environment() -> None:
    os.environ["ARCHPROF_TEST_NEW"] = "1"
    os.environ["ARCHPROF_TEST_OLD"] = "other"
    del os.environ["ARCHPROF_TEST_GONE"]


def _filters() -> None:
    warnings.simplefilter("ignore")
    warnings.filterwarnings("error", message="anything")


def _seed() -> None:
    torch.manual_seed(5)
    random.seed(5)
    np.random.seed(5)


def _cudnn(name: str, value: bool) -> Callable[[], None]:
    return lambda: setattr(torch.backends.cudnn, name, value)


# What is done, and how it is seen.
ACTIONS: dict[str, tuple[Callable[[], object], Callable[[], Any]]] = {
    "draws of torch": (lambda: torch.rand(3), lambda: torch.get_rng_state().tolist()),
    "draws of Python": (random.random, random.getstate),
    "draws of NumPy": (lambda: np.random.normal(), lambda: str(np.random.get_state())),
    "seeds": (_seed, lambda: (torch.get_rng_state().tolist(), random.getstate(), str(np.random.get_state()))),
    "the initial seed": (_seed, torch.initial_seed),
    "gradients": (lambda: torch.set_grad_enabled(False), torch.is_grad_enabled),
    "the default dtype": (lambda: torch.set_default_dtype(torch.float64), torch.get_default_dtype),
    "the default device": (
        lambda: torch.set_default_device("cpu"),
        lambda: len(torch.overrides._get_current_function_mode_stack()),
    ),
    "threads": (lambda: torch.set_num_threads(torch.get_num_threads() + 1), torch.get_num_threads),
    "deterministic": (lambda: torch.use_deterministic_algorithms(True), torch.are_deterministic_algorithms_enabled),
    "deterministic, with a warning": (
        lambda: torch.use_deterministic_algorithms(True, warn_only=True),
        torch.is_deterministic_algorithms_warn_only_enabled,
    ),
    "memory that is filled": (
        lambda: setattr(torch.utils.deterministic, "fill_uninitialized_memory", False),
        lambda: torch.utils.deterministic.fill_uninitialized_memory,
    ),
    "anomalies": (lambda: torch.autograd.set_detect_anomaly(True), torch.is_anomaly_enabled),
    "precision of products": (
        lambda: torch.set_float32_matmul_precision("medium"),
        torch.get_float32_matmul_precision,
    ),
    "cuDNN": (_cudnn("enabled", False), lambda: torch.backends.cudnn.enabled),
    "cuDNN's benchmark": (_cudnn("benchmark", True), lambda: torch.backends.cudnn.benchmark),
    "cuDNN's determinism": (_cudnn("deterministic", True), lambda: torch.backends.cudnn.deterministic),
    "oneDNN": (lambda: torch.backends.mkldnn.set_flags(False), lambda: torch.backends.mkldnn.enabled),
    "NNPACK": (lambda: torch.backends.nnpack.set_flags(False), lambda: torch._C._get_nnpack_enabled()),
    "flash attention": (lambda: torch.backends.cuda.enable_flash_sdp(False), torch.backends.cuda.flash_sdp_enabled),
    "attention by products": (lambda: torch.backends.cuda.enable_math_sdp(False), torch.backends.cuda.math_sdp_enabled),
    "attention with little memory": (
        lambda: torch.backends.cuda.enable_mem_efficient_sdp(False),
        torch.backends.cuda.mem_efficient_sdp_enabled,
    ),
    "attention in one operation": (
        lambda: torch.backends.mha.set_fastpath_enabled(False),
        torch.backends.mha.get_fastpath_enabled,
    ),
    "autocast": (lambda: torch.set_autocast_enabled("cpu", True), lambda: torch.is_autocast_enabled("cpu")),
    "autocast's dtype": (
        lambda: torch.set_autocast_dtype("cpu", torch.float16),
        lambda: torch.get_autocast_dtype("cpu"),
    ),
    "warning filters": (_filters, lambda: [*warnings.filters]),
    "the environment": (_environment, lambda: dict(os.environ)),
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Variables to change and to take away; and whatever a failing test leaves is put back."""
    monkeypatch.delenv("ARCHPROF_TEST_NEW", raising=False)
    monkeypatch.setenv("ARCHPROF_TEST_OLD", "old")
    monkeypatch.setenv("ARCHPROF_TEST_GONE", "here")
    with warnings.catch_warnings():
        yield


@pytest.mark.parametrize("name", ACTIONS)
@pytest.mark.parametrize("run", [trace, trace_values, archprof.profile])
def test_the_process_is_left_as_it_was(name: str, run: Callable[..., Any]) -> None:
    action, look = ACTIONS[name]
    model = Does(action)
    before = look()
    if run is not trace or name != "autocast":  # which is run with values, as torch casts nothing without
        run(model, X if run is archprof.profile else (X,))
    assert look() == before


@pytest.mark.parametrize("name", ACTIONS)
def test_it_is_left_so_where_the_model_fails_too(name: str) -> None:
    action, look = ACTIONS[name]
    model = Does(action, fails=True)
    before = look()
    with pytest.raises(RunError):
        archprof.profile(model, X)
    assert look() == before


def test_every_action_changes_something() -> None:
    """So that the tests above can fail."""
    from archprof.trace.process_state import process_state

    for name, (action, look) in ACTIONS.items():
        grad, fast = torch.is_grad_enabled(), torch.backends.mha.get_fastpath_enabled()
        with process_state():
            before = look()
            action()
            changed = look() != before
        torch.set_grad_enabled(grad)
        torch.backends.mha.set_fastpath_enabled(fast)
        assert changed, name


def test_a_model_that_draws_to_choose_its_way_is_counted_on_the_way_that_it_takes_next() -> None:
    class Chooses(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(8, 8)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for _ in range(1 + random.randrange(3) + int(np.random.randint(3))):
                x = self.layer(x)
            return x

    ways = set()
    for seed in range(6):
        random.seed(seed)
        np.random.seed(seed)
        expected = 4 * 8 * 8 * (1 + random.Random(seed).randrange(3) + int(np.random.RandomState(seed).randint(3)))
        assert [archprof.profile(Chooses(), X).totals.macs for _ in range(2)] == [expected, expected]
        ways.add(expected)
    assert len(ways) > 1
