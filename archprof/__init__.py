"""archprof: a profiler of neural-network architectures whose FLOPs are right.

The names below are the public Python interface. They are looked up when first used, so that
``import archprof`` itself does not pay for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archprof.api import check as check
    from archprof.api import profile as profile
    from archprof.api import within as within
    from archprof.builder.registry import Call as Call
    from archprof.builder.registry import RowContext as RowContext
    from archprof.builder.registry import register as register
    from archprof.count.operations import register_formula as register_formula
    from archprof.parameternet.declared import DynamicDeclaration as DynamicDeclaration
    from archprof.records.profile import Profile as Profile

from archprof.version import __version__

_PUBLIC = {
    "Call": "archprof.builder.registry",
    "DynamicDeclaration": "archprof.parameternet.declared",
    "check": "archprof.api",
    "within": "archprof.api",
    "Profile": "archprof.records.profile",
    "profile": "archprof.api",
    "register_formula": "archprof.count.operations",
    "RowContext": "archprof.builder.registry",
    "register": "archprof.builder.registry",
}
__all__ = [
    "Call",
    "DynamicDeclaration",
    "Profile",
    "RowContext",
    "__version__",
    "check",
    "profile",
    "register",
    "register_formula",
    "within",
]


def __getattr__(name: str) -> object:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'archprof' has no attribute {name!r}")
