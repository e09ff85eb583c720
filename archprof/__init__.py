"""archprof: a profiler of neural-network architectures whose FLOPs are right.

The names below are the public Python interface. They are looked up when first used, so that
``import archprof`` itself does not pay for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archprof.build.registry import Call as Call
    from archprof.build.registry import RowContext as RowContext
    from archprof.build.registry import register as register
    from archprof.count.formulas import register_formula as register_formula
    from archprof.gate import check as check
    from archprof.gate import within as within
    from archprof.parameternet.declared import DynamicDeclaration as DynamicDeclaration
    from archprof.profiles import Profile as Profile
    from archprof.profiling import profile as profile

__version__ = "0.1.0"

_PUBLIC = {
    "Call": "archprof.build.registry",
    "DynamicDeclaration": "archprof.parameternet.declared",
    "check": "archprof.gate",
    "within": "archprof.gate",
    "Profile": "archprof.profiles",
    "profile": "archprof.profiling",
    "register_formula": "archprof.count.formulas",
    "RowContext": "archprof.build.registry",
    "register": "archprof.build.registry",
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
