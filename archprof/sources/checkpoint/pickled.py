"""The value of a checkpoint's pickle -> what the checkpoint says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from archprof.sources.checkpoint import modules, state_dict
from archprof.sources.checkpoint.limits import MAX_NAME
from archprof.sources.checkpoint.nodes import Node, Table, class_of, state_of, text_entries
from archprof.sources.checkpoint.plain import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from archprof.sources.checkpoint.contents import Kind, Tensor
    from archprof.sources.checkpoint.tensors import Storages

_PARALLEL = frozenset(
    {
        "torch.nn.parallel.data_parallel.DataParallel",
        "torch.nn.parallel.distributed.DistributedDataParallel",
    }
)
"""Classes that hold the model as ``module``."""

_TASKS = {
    "Segmentation": "segment",
    "YOLOESeg": "segment",
    "Classification": "classify",
    "Pose": "pose",
    "OBB": "obb",
    "": "detect",
}
"""How the class of an Ultralytics or YOLOv5 model begins -> its task; the first that fits counts."""

_MAX_METADATA = 100
_NO_FLOPS = (
    "a state dict holds weights alone: strides, padding, groups, activations and the order of the layers are not "
    "in it, so FLOPs cannot be counted; name the YAML or the function that makes the model as well"
)


def read_model(root: Node, storages: Storages) -> dict[str, Any]:
    """The fields of :class:`~archprof.sources.checkpoint.contents.Checkpoint` that a pickle tells.

    Args:
        root: The value of the pickle.
        storages: The storages of its file.

    Raises:
        ValueError: Where it is damaged or passes a limit.
    """
    entries = {} if modules.is_module(root) else text_entries(root)
    arguments = plain(entries.get("train_args", entries.get("opt")), "training arguments")
    fields: dict[str, Any] = {
        "train_args": arguments if isinstance(arguments, dict) else {},
        "metadata": _metadata(entries),
    }
    if model := _find_model(root, entries):
        return fields | _module_fields(model, fields["train_args"], storages)
    if state := state_dict.find(root):
        source, values = state
        return fields | state_dict_fields(state_dict.read_all(values, storages)) | {"source": source or None}
    listed = ", ".join(repr(key[:40]) for key in list(entries)[:8])
    note = f"no model was recognised; its entries: {listed}" if listed else "no model was recognised in it"
    return fields | {"kind": "unknown", "tensors": {}, "notes": (note,)}


def state_dict_fields(tensors: dict[str, Tensor], kind: Kind = "state_dict") -> dict[str, Any]:
    """The fields of a checkpoint that is tensors by name, without the prefixes that wrappers give all names."""
    tensors, notes = state_dict.unwrapped(tensors)
    return {"kind": kind, "tensors": state_dict.with_roles(tensors), "notes": (*notes, _NO_FLOPS)}


class _Model(NamedTuple):
    """A pickled module, the entry it is in, and notes."""

    node: Node
    source: str | None
    notes: tuple[str, ...]


def _find_model(root: Node, entries: dict[str, Node]) -> _Model | None:
    """The module that loading uses: the file itself, else ``ema``, else ``model``, as Ultralytics chooses, else any."""
    if modules.is_module(root):
        return _Model(root, None, ())
    keys = [key for key, value in entries.items() if modules.is_module(value)]
    if not keys:
        return None
    source = next((key for key in ("ema", "model") if key in keys), keys[0])
    others = " and ".join(repr(key[:40]) for key in keys if key != source)
    rule = ", as Ultralytics does on loading" if source == "ema" else ""
    notes = (f"the file holds several networks: {source!r} is used{rule}, not {others}",) if others else ()
    return _Model(entries[source], source, notes)


def _module_fields(model: _Model, train_args: dict[str, Any], storages: Storages) -> dict[str, Any]:
    node, notes = model.node, model.notes
    kind, state = class_of(node), state_of(node) or Table()
    if kind and kind.path in _PARALLEL and modules.is_module(inner := _children(state).get("module")):
        notes = (*notes, f"the model is wrapped in {kind.name}, which is left out")
        node, kind, state = inner, class_of(inner), state_of(inner) or Table()
    tree = modules.walk(node, storages, modules.parts_of_module)
    path = kind.path if kind else ""
    owner = _owner(path)
    entries = text_entries(state)
    yaml = plain(entries.get("yaml"), "the YAML")
    yaml = yaml if isinstance(yaml, dict) and "backbone" in yaml else None
    names = class_names(plain(entries.get("names"), "the names of the classes"))
    task = entries.get("task") or train_args.get("task")
    guess = next(task for start, task in _TASKS.items() if path.rpartition(".")[2].startswith(start))
    return {
        "kind": owner,
        "source": model.source,
        "model": path,
        "modules": tree.modules,
        "tensors": tree.tensors,
        "yaml": yaml,
        "names": names,
        "nc": _first_count(entries.get("nc"), (yaml or {}).get("nc"), len(names) if names else None),
        "task": task if isinstance(task, str) else guess if owner != "module" else None,
        "notes": notes,
    }


def class_names(value: Any) -> dict[int, str] | None:
    """Names of classes by number, from a dict or a list; None where they are neither."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    names = {key: str(name) for key, name in pairs if type(key) is int}
    return names or None


def _children(state: Table) -> dict[str, Node]:
    return text_entries(state.entries.get("_modules"))


def _owner(path: str) -> Kind:
    """Whose model a class is; YOLOv5 is run from a clone of its repository, so its package is called ``models``."""
    return next((kind for kind, test in _OWNERS.items() if test(path)), "module")


_OWNERS: Mapping[Kind, Callable[[str], bool]] = {
    "ultralytics": lambda path: path.startswith("ultralytics."),
    "yolov5": lambda path: path.startswith(("models.yolo.", "yolov5.models.yolo.")),
}

PACKAGES: Mapping[Kind, tuple[str, ...]] = {"yolov5": ("models.", "utils.", "yolov5."), "torchscript": ("__torch__.",)}
"""Packages whose classes are expected in a file of a kind."""


def _metadata(entries: dict[str, Node]) -> dict[str, Any]:
    """Entries that are plain values."""
    values = {
        key: value
        for key, value in list(entries.items())[:_MAX_METADATA]
        if len(key) <= MAX_NAME
        and (type(value) in (bool, int, float) or (isinstance(value, str) and len(value) <= MAX_NAME))
    }
    git = {key: value for key, value in text_entries(entries.get("git")).items() if isinstance(value, str)}
    return values | {f"git.{key}": git[key] for key in ("branch", "commit") if key in git}


def _first_count(*values: Any) -> int | None:
    return next((value for value in values if type(value) is int and value > 0), None)
