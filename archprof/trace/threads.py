"""Follows a model into the threads that it starts, which torch lets watch nothing: its modes are each thread's own.

A thread is let run until it ends or waits before whoever started it goes on, and one at a time, so that twice gives the
same trace. What runs in a thread that was there before the pass is not seen; where a module of the model runs there,
that is written down as an operation of unknown cost.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from threading import Thread, get_ident
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from archprof.trace.patch_attributes import hold
from archprof.trace.record import NamedOperator
from archprof.trace.recorder import CALL
from archprof.trace.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from archprof.trace.recorder import Recorder


@contextmanager
def watched(recorder: Recorder, modules: Iterable[nn.Module]) -> Iterator[None]:
    """While it holds, the recorder is told of every module that this thread and those that it starts call."""
    threads = _Threads(recorder, modules)
    try:
        with hold(threads.attributes()):
            yield
    finally:
        threads.active = False


class _Threads:
    """The threads of one pass."""

    def __init__(self, recorder: Recorder, modules: Iterable[nn.Module]) -> None:
        self.recorder = recorder
        self.active = True
        self.turns = Turns()
        self._own = get_ident()
        self._known = {self._own}
        modules = list(modules)
        self.last = len(modules)
        """After the key of every module."""
        self._modules = {id(module): index for index, module in enumerate(modules)}

    def attributes(self) -> dict[tuple[Any, str], Any]:
        """What takes the place of calling a module, starting a thread and giving work to a pool of them.

        Of a call it is what ``__call__`` goes to: Python would tell thousands of classes of another ``__call__``.
        """
        return {
            (nn.Module, "_call_impl"): self._call(),
            (Thread, "start"): self._start(Thread.start),
            (ThreadPoolExecutor, "submit"): self._submit(ThreadPoolExecutor.submit),
        }

    def _call(self) -> Callable[..., Any]:
        known, own, recorder = self._known, self._own, self.recorder

        def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            thread = get_ident()
            if thread in known:
                if thread != own:
                    self.turns.take(self._modules.get(id(module), self.last), "")
                return recorder.call(module, args, kwargs)
            if self.active and id(module) in self._modules:
                name = f"thread.{type(module).__name__}"
                recorder.append(NamedOperator(name), (), {}, ())
            return CALL(module, *args, **kwargs)

        return call

    def _start(self, true: Callable[[Thread], None]) -> Callable[[Thread], None]:
        def start(thread: Thread) -> None:
            if get_ident() not in self._known:
                return true(thread)
            thread.run = self._followed(thread.run)  # type: ignore[method-assign]
            true(thread)
            return self.turns.wait(lambda: not thread.is_alive())

        return start

    def _submit(self, true: Callable[..., Any]) -> Callable[..., Any]:
        def submit(pool: ThreadPoolExecutor, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
            if get_ident() not in self._known:
                return true(pool, function, *args, **kwargs)
            future = true(pool, self._followed(function), *args, **kwargs)
            self.turns.wait(future.done)
            return future

        return submit

    def _followed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, seen in whatever thread it is called."""
        context, gradients = copy_context(), torch.is_grad_enabled()

        def run(*args: Any, **kwargs: Any) -> Any:
            thread = get_ident()
            if not self.active or thread in self._known:
                return function(*args, **kwargs)
            self._known.add(thread)
            try:
                with torch.set_grad_enabled(gradients), _Mode(self):
                    return context.run(function, *args, **kwargs)
            finally:
                self._known.discard(thread)
                self.turns.give()

        return run


class _Mode(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Hands what another thread runs to the recorder."""

    supports_higher_order_operators = True

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # as the recorder

    def __init__(self, threads: _Threads) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._threads = threads

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Called by torch for each operation in that thread."""
        if not self._threads.active:
            return func(*args, **(kwargs or {}))
        turns = self._threads.turns
        turns.take(self._threads.last, str(func))
        turns.begin()
        try:
            return self._threads.recorder.__torch_dispatch__(func, types, args, kwargs)
        finally:
            turns.end()
