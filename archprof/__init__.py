"""archprof: a profiler of neural-network architectures whose FLOPs are right.

The names below are the public Python interface. They are looked up when first used, so that
``import archprof`` itself does not pay for torch.
"""

import sys
from importlib import import_module
from types import ModuleType

from archprof.version import __version__

# Not imported: with ``python -m archprof`` a file of the user's called typing.py would come first here.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from archprof.api import audit as audit
    from archprof.api import bench as bench
    from archprof.api import check as check
    from archprof.api import claims as claims
    from archprof.api import compare as compare
    from archprof.api import parameternet as parameternet
    from archprof.api import profile as profile
    from archprof.api import report as report
    from archprof.api import suggest as suggest
    from archprof.api import sweep as sweep
    from archprof.api import within as within
    from archprof.builder.registry import Call as Call
    from archprof.builder.registry import RowContext as RowContext
    from archprof.builder.registry import register as register
    from archprof.count.operations import register_formula as register_formula
    from archprof.parameternet.declared import DynamicDeclaration as DynamicDeclaration
    from archprof.records.profile import Profile as Profile

_PUBLIC = {
    **dict.fromkeys(
        (
            "audit",
            "bench",
            "check",
            "claims",
            "compare",
            "parameternet",
            "profile",
            "report",
            "suggest",
            "sweep",
            "within",
        ),
        "archprof.api",
    ),
    "Call": "archprof.builder.registry",
    "DynamicDeclaration": "archprof.parameternet.declared",
    "Profile": "archprof.records.profile",
    "RowContext": "archprof.builder.registry",
    "register": "archprof.builder.registry",
    "register_formula": "archprof.count.operations",
}
__all__ = [
    "Call",
    "DynamicDeclaration",
    "Profile",
    "RowContext",
    "__version__",
    "audit",
    "bench",
    "check",
    "claims",
    "compare",
    "parameternet",
    "profile",
    "register",
    "register_formula",
    "report",
    "suggest",
    "sweep",
    "within",
]


def __getattr__(name: str) -> object:
    if name in _PUBLIC:
        if _PUBLIC[name] != "archprof.api":
            import_module("archprof.api")  # with it a record knows how it is shown
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'archprof' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__


class _Package(ModuleType):
    """This package. Its functions keep their names although subpackages are called like them: ``archprof.compare``."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _PUBLIC and isinstance(value, ModuleType)):  # that is how an import binds a subpackage
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
