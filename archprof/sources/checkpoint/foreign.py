"""Which classes and functions a pickle refers to that a checkpoint has no need of.

To load a pickle is to import every module that it names, and to call what it says. What is listed as expected here
makes containers, tensors and modules; everything else may do anything, and is named to the user. Nothing depends on
this list for safety: archprof imports and calls nothing of a pickle, expected or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.sources.checkpoint.tensors import DTYPES, REBUILD, STORAGES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archprof.sources.checkpoint.nodes import Name

_BUILTINS = ("set", "frozenset", "list", "dict", "tuple", "object", "int", "float", "str", "bool", "complex", "bytes")

EXPECTED = frozenset(
    {
        *REBUILD,
        *STORAGES,
        *(f"torch.{dtype}" for dtype in DTYPES),
        *(f"{module}.{name}" for module in ("builtins", "__builtin__") for name in (*_BUILTINS, "slice", "bytearray")),
        *(f"pathlib{module}.{kind}Path" for module in ("", "._local") for kind in ("Posix", "Windows", "PurePosix")),
        *(f"{module}.{name}" for module in ("numpy.core", "numpy._core") for name in ("multiarray.scalar",)),
        *(f"{module}.multiarray._reconstruct" for module in ("numpy.core", "numpy._core")),
        *(f"datetime.{name}" for name in ("date", "datetime", "time", "timedelta", "timezone")),
        "_codecs.encode",
        "argparse.Namespace",
        "collections.Counter",
        "collections.OrderedDict",
        "collections.defaultdict",
        "collections.deque",
        "copy_reg._reconstructor",
        "copyreg._reconstructor",
        "numpy.dtype",
        "numpy.ndarray",
        "torch.Size",
        "torch.device",
        "torch.nn.parameter.Parameter",
        "torch.serialization._get_layout",
        *(f"torch.jit._pickle.build_{kind}list" for kind in ("int", "tensor", "double", "bool")),
        "torch.jit._pickle.build_tensor_from_id",
        "torch.jit._pickle.restore_type_tag",
        "types.SimpleNamespace",
    }
)
"""What loading may call."""

_CLASSES = ("torch.nn.", "torch.ao.nn.", "torchvision.", "timm.", "ultralytics.")
"""Packages whose classes a pickle may hold instances of."""


def foreign_names(names: Mapping[Name, bool], packages: tuple[str, ...] = ()) -> tuple[str, ...]:
    """What a pickle refers to that is not expected, in its order.

    Args:
        names: Its classes and functions, and whether loading calls them.
        packages: More packages whose classes are expected, as ``"models."``.
    """
    return tuple(name.path for name, called in names.items() if not _is_expected(name, called, _CLASSES + packages))


def _is_expected(name: Name, called: bool, packages: tuple[str, ...]) -> bool:
    if name.path in EXPECTED and "." not in name.name:
        return True
    # A class begins with a capital letter, after "v10" and the like at most; a function of these packages that is
    # called may load another file, and a dotted name may lead anywhere.
    is_class = name.name.lstrip("v0123456789")[:1].isupper() and "." not in name.name
    return is_class and not called and f"{name.module}.".startswith(packages)
