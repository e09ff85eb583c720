"""What of torch's own state a pass needs otherwise than it may find it; all of it is put back afterwards."""

from __future__ import annotations

import gc
import sys
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import unset_fake_temporarily

from archprof.trace.meta_kernels.attention import fused_attention
from archprof.trace.process_state import process_state
from archprof.trace.tree import is_compiled

if TYPE_CHECKING:
    from collections.abc import Iterator

_jit: Any = torch.jit


@contextmanager
def surroundings(modules: list[nn.Module], *, gradients: bool, fast_path: bool = False) -> Iterator[None]:
    """While it holds, a model can be run so that each of its operations is seen.

    - Gradients are recorded only where they are asked for, also inside of ``torch.inference_mode``.
    - Attention is one operation on every device; `nn.MultiheadAttention` and `nn.TransformerEncoderLayer` run
      their modules rather than one operation for all of them, which only tensors with values have; with
      ``fast_path`` they run that, without which they take no nested tensors.
    - What was compiled runs as it was written, each time.
    """
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(unset_fake_temporarily())  # on whose tensors nothing would be computed
        stack.enter_context(torch.set_grad_enabled(gradients))
        stack.enter_context(process_state())
        stack.enter_context(fused_attention())
        if not fast_path:
            stack.enter_context(_no_fast_path())
        stack.enter_context(_nothing_compiled())
        if "torch._dynamo" in sys.modules:  # else nothing can have been compiled, and importing it takes seconds
            stack.enter_context(torch.compiler.set_stance("force_eager"))
            for module in modules:
                if module._compiled_call_impl is not None:
                    module._compiled_call_impl = None
        if any(map(is_compiled, map(type, modules))):
            stack.enter_context(_jit.optimized_execution(False))
        if any(map(_is_parallel, map(type, modules))):
            for module in modules:
                if isinstance(module, nn.DataParallel):
                    module.device_ids = []  # one device, so that the module is called as it is
        yield


@cache
def _is_parallel(kind: Any) -> bool:
    return issubclass(kind, nn.DataParallel)


@contextmanager
def without_collector() -> Iterator[None]:
    """While it holds, Python does not look for cycles, which it would do again and again among many small objects.

    Nor does it look through them at once afterwards: a pass makes no cycles, and what it made counts as old.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            if not gc.get_freeze_count():
                gc.freeze()
                gc.unfreeze()
            gc.enable()


@contextmanager
def _no_fast_path() -> Iterator[None]:
    enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(enabled)


@contextmanager
def _nothing_compiled() -> Iterator[None]:
    """Leave what is compiled during the pass as it was written: ``torch.cond`` and flex attention do so themselves."""
    compile_ = torch.compile

    def leave(model: Any = None, **options: Any) -> Any:
        return (lambda function: function) if model is None else model

    torch.compile = leave
    try:
        yield
    finally:
        torch.compile = compile_
