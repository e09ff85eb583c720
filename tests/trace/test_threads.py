"""What a model runs in threads is counted as it is in its own, in the modules that it belongs to."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import ThreadPool
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

import archprof

if TYPE_CHECKING:
    from collections.abc import Callable

X = torch.linspace(-1, 1, 4 * 8).view(4, 8)
ONE = 4 * 8 * 8  # MACs of a linear layer 8 → 8 on 4 rows


def in_threads(a: Callable[..., Any], b: Callable[..., Any], x: torch.Tensor) -> list[torch.Tensor]:
    results: dict[int, torch.Tensor] = {}
    threads = [Thread(target=lambda i=i, f=f: results.update({i: f(x)})) for i, f in enumerate((a, b))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [results[0], results[1]]


def in_a_pool(a: Callable[..., Any], b: Callable[..., Any], x: torch.Tensor) -> list[torch.Tensor]:
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda function: function(x), (a, b)))


def in_a_pool_of_multiprocessing(a: Callable[..., Any], b: Callable[..., Any], x: torch.Tensor) -> list[torch.Tensor]:
    with ThreadPool(2) as pool:
        return list(pool.map(lambda function: function(x), (a, b)))


def from_thread_to_thread(a: Callable[..., Any], b: Callable[..., Any], x: torch.Tensor) -> list[torch.Tensor]:
    with ThreadPoolExecutor(1) as outer, ThreadPoolExecutor(1) as inner:
        return outer.submit(lambda: [a(x), inner.submit(b, x).result()]).result()


def waiting_for_work(a: Callable[..., Any], b: Callable[..., Any], x: torch.Tensor) -> list[torch.Tensor]:
    """A thread that waits for what this one gives it afterwards."""
    tasks: queue.Queue[Any] = queue.Queue()
    results: queue.Queue[torch.Tensor] = queue.Queue()

    def work() -> None:
        while (function := tasks.get()) is not None:
            results.put(function(x))

    thread = Thread(target=work)
    thread.start()
    for function in (a, b, None):
        tasks.put(function)
    thread.join()
    return [results.get(), results.get()]


POOL = ThreadPoolExecutor(2)


def in_a_pool_that_was_there(a: Callable[..., Any], b: Callable[..., Any], x: torch.Tensor) -> list[torch.Tensor]:
    return [future.result() for future in (POOL.submit(a, x), POOL.submit(b, x))]


WAYS = {way.__name__: way for way in list(globals().values()) if getattr(way, "__module__", None) == __name__}


class Parallel(nn.Module):
    def __init__(self, way: Callable[..., Any], values: bool = False) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(8, 8), nn.Linear(8, 8)
        self.way, self.values = way, values

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.values:
            x.sum().item()
        left, right = self.way(self.left, lambda y: self.right(y).square(), x)
        return torch.add(left, right)


@pytest.mark.parametrize("values", [False, True], ids=["shapes", "values"])
@pytest.mark.parametrize("way", WAYS)
def test_what_runs_in_threads_is_counted(way: str, values: bool) -> None:
    model = Parallel(WAYS[way], values)
    expected = model(X)
    profile = archprof.profile(model, X)
    assert profile.totals.macs == 2 * ONE
    # Two biases, a square and a sum, each of 4×8 numbers; the model that reads values sums those of its input before.
    assert profile.totals.elementwise_flops == (5 if values else 4) * 32
    assert not profile.coverage.unknown
    assert {module.path: module.macs for module in profile.modules if module.path} == {"left": ONE, "right": ONE}
    assert profile == archprof.profile(model, X)
    assert torch.equal(model(X), expected)


def test_a_training_step_with_threads_is_counted() -> None:
    profile = archprof.profile(Parallel(in_threads), X, backward=True)
    # The gradient of each weight takes what the layer does; the input asks for none.
    assert profile.backward is not None
    assert profile.totals.macs == profile.backward.macs == 2 * ONE


def test_a_thread_that_was_there_before_makes_it_a_lower_bound() -> None:
    tasks: queue.Queue[Any] = queue.Queue()
    results: queue.Queue[Any] = queue.Queue()

    def work() -> None:
        while (task := tasks.get()) is not None:
            results.put(task[0](task[1]))

    thread = Thread(target=work)
    thread.start()
    try:

        def way(a: Callable[..., Any], b: Callable[..., Any], x: torch.Tensor) -> list[torch.Tensor]:
            tasks.put((a, x))
            return [results.get(), b(x)]

        profile = archprof.profile(Parallel(way), X)
    finally:
        tasks.put(None)
        thread.join()
    assert profile.coverage.unknown == {"thread.Linear": 1}
    assert profile.totals.macs == ONE


def test_threads_are_left_as_they_were() -> None:
    before = threading.Thread.start, ThreadPoolExecutor.submit
    archprof.profile(Parallel(in_threads), X)
    assert (threading.Thread.start, ThreadPoolExecutor.submit) == before
