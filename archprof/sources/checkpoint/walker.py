"""The opcodes of a pickle -> inert data.

The standard library decodes them; what Python's unpickler would then import, call or set is written down instead.
The machine is that of ``pickle.Unpickler``: a stack, a stack of stacks for marks, and a memo.
"""

from __future__ import annotations

import pickletools
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from archprof.sources.checkpoint.error import CheckpointError
from archprof.sources.checkpoint.limits import MAX_INTEGER_BITS, MAX_NAMES, MAX_OPCODES
from archprof.sources.checkpoint.nodes import Name, Node, Object, Opaque, Persistent, Table

if TYPE_CHECKING:
    from io import BytesIO
    from pathlib import Path


class Walker:
    """Reads the pickles of one file, one after the other, within one limit.

    Args:
        path: The file, for messages.

    Attributes:
        names: Every class and function that the pickles refer to, and whether loading them calls it (rather than
            its ``__new__``), in the order of the file.
        opcodes: How many opcodes were read so far.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.names: dict[Name, bool] = {}
        self.opcodes = 0

    def walk(self, data: BytesIO) -> Node:
        """The value of the pickle that starts where ``data`` stands; ``data`` then stands behind it.

        Raises:
            CheckpointError: Where it is no pickle, is damaged, or passes the limit.
        """
        machine = _Machine(self.names)
        position: int | None = 0
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of escapes in text, which Python 2 wrote otherwise
                for opcode, argument, offset in pickletools.genops(data):
                    position = offset
                    self.opcodes += 1
                    if self.opcodes > MAX_OPCODES or len(self.names) > MAX_NAMES:
                        self._refuse()
                    _OPCODES[opcode.name](machine, argument)
            return machine.stack.pop()
        except (ValueError, IndexError, KeyError, TypeError, OverflowError, UnicodeError) as error:
            reason = f" ({error})" if isinstance(error, (ValueError, TypeError)) else ""
            raise CheckpointError(
                f"the pickle is damaged at or after byte {position}{reason[:200]}",
                path=self.path,
                hint="copy or download the file again; a truncated file looks like this",
            ) from None

    def _refuse(self) -> NoReturn:
        many = self.opcodes > MAX_OPCODES
        bound = f"{MAX_OPCODES:,} opcodes" if many else f"{MAX_NAMES:,} classes and functions"
        raise CheckpointError(
            f"the pickle has more than {bound}",
            path=self.path,
            hint="no model has so many; this is not one, or a file made to exhaust its reader",
        )


class _Machine:
    """The unpickler's state while it walks one pickle."""

    def __init__(self, names: dict[Name, bool]) -> None:
        self.names = names
        self.stack: list[Node] = []
        self.outer: list[list[Node]] = []
        self.memo: dict[int, Node] = {}

    def pop_mark(self) -> list[Node]:
        """Everything since the last mark."""
        items = self.stack
        self.stack = self.outer.pop()
        return items

    def name(self, module: Node, name: Node, *, called: bool = False) -> Node:
        """A reference to a class or function."""
        if not isinstance(module, str) or not isinstance(name, str):
            raise ValueError("a name that is not text")
        reference = Name(module, name)
        self.names[reference] = self.names.get(reference, False) or called
        return reference

    def call(self, callee: Node, arguments: Node, *, new: bool = False) -> None:
        """Push what a call would make."""
        if isinstance(callee, Name) and not new:
            self.names[callee] = True
        self.stack.append(Object(callee, tuple(arguments) if isinstance(arguments, (list, tuple)) else (), new))


Operation = Callable[[_Machine, Any], None]


def _push(machine: _Machine, argument: Any) -> None:
    if type(argument) is int and argument.bit_length() > MAX_INTEGER_BITS:
        argument = Opaque("a number of many digits")
    machine.stack.append(argument)


def _constant(make: Callable[[], Node]) -> Operation:
    return lambda machine, _: machine.stack.append(make())


def _nothing(machine: _Machine, _: Any) -> None:
    pass


def _mark(machine: _Machine, _: Any) -> None:
    machine.outer.append(machine.stack)
    machine.stack = []


def _from_mark(make: Callable[[list[Node]], Node]) -> Operation:
    def push(machine: _Machine, _: Any) -> None:
        items = machine.pop_mark()
        machine.stack.append(make(items))

    return push


def _pop_mark(machine: _Machine, _: Any) -> None:
    machine.pop_mark()


def _pop(machine: _Machine, _: Any) -> None:
    if machine.stack:
        machine.stack.pop()
    else:
        machine.pop_mark()


def _duplicate(machine: _Machine, _: Any) -> None:
    machine.stack.append(machine.stack[-1])


def _get(machine: _Machine, index: int) -> None:
    machine.stack.append(machine.memo[index])


def _put(machine: _Machine, index: int) -> None:
    machine.memo[index] = machine.stack[-1]


def _memoize(machine: _Machine, _: Any) -> None:
    machine.memo[len(machine.memo)] = machine.stack[-1]


def _tuple(count: int) -> Operation:
    def make(machine: _Machine, _: Any) -> None:
        items = [machine.stack.pop() for _ in range(count)]
        machine.stack.append(tuple(reversed(items)))

    return make


def _table(pairs: list[Node], table: Table) -> Table:
    if len(pairs) % 2:
        raise ValueError("a key without a value")
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        table.set(key, value)
    return table


def _extend(machine: _Machine, items: list[Node]) -> None:
    target = machine.stack[-1]
    if isinstance(target, Object):
        target = target.items
    if not isinstance(target, list):
        raise ValueError("items are appended to what is no list")
    target.extend(items)


def _set_items(machine: _Machine, pairs: list[Node]) -> None:
    target = machine.stack[-1]
    if isinstance(target, Object):
        target = target.table
    if not isinstance(target, Table):
        raise ValueError("a key is set in what is no dict")
    _table(pairs, target)


def _append(machine: _Machine, _: Any) -> None:
    item = machine.stack.pop()
    _extend(machine, [item])


def _set_item(machine: _Machine, _: Any) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    _set_items(machine, [key, value])


def _reduce(machine: _Machine, _: Any) -> None:
    arguments, callee = machine.stack.pop(), machine.stack.pop()
    machine.call(callee, arguments)


def _new(machine: _Machine, _: Any) -> None:
    arguments, callee = machine.stack.pop(), machine.stack.pop()
    machine.call(callee, arguments, new=True)


def _new_with_keywords(machine: _Machine, _: Any) -> None:
    machine.stack.pop()  # __getnewargs_ex__ is nothing that torch's or Ultralytics' classes have
    _new(machine, _)


def _object(machine: _Machine, _: Any) -> None:
    callee, *arguments = machine.pop_mark()
    machine.call(callee, arguments)


def _instance(machine: _Machine, argument: str) -> None:
    arguments = machine.pop_mark()
    machine.call(machine.name(*argument.split(" ", 1), called=True), arguments)


def _build(machine: _Machine, _: Any) -> None:
    state = machine.stack.pop()
    if isinstance(target := machine.stack[-1], Object):
        target.state = state


def _global(machine: _Machine, argument: str) -> None:
    machine.stack.append(machine.name(*argument.split(" ", 1)))


def _global_from_stack(machine: _Machine, _: Any) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    machine.stack.append(machine.name(module, name))


def _extension(machine: _Machine, code: int) -> None:
    machine.stack.append(machine.name("copyreg", f"extension {code}"))


def _persistent(machine: _Machine, _: Any) -> None:
    identifier = machine.stack.pop()
    # Before zip files, torch wrote the class of a module as ("module", class, file, source).
    of_class = isinstance(identifier, tuple) and len(identifier) > 1 and identifier[0] == "module"
    machine.stack.append(identifier[1] if of_class else Persistent(identifier))


_OPCODES: Mapping[str, Operation] = {
    **dict.fromkeys(("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"), _push),
    **dict.fromkeys(("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE"), _push),
    **dict.fromkeys(("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"), _push),
    **dict.fromkeys(("SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8"), _push),
    "NONE": _constant(lambda: None),
    "NEWTRUE": _constant(lambda: True),
    "NEWFALSE": _constant(lambda: False),
    "NEXT_BUFFER": _constant(lambda: Opaque("a buffer outside the pickle")),
    **dict.fromkeys(("READONLY_BUFFER", "PROTO", "FRAME", "STOP"), _nothing),
    "EMPTY_LIST": _constant(list),
    "EMPTY_SET": _constant(list),
    "EMPTY_DICT": _constant(Table),
    "EMPTY_TUPLE": _constant(tuple),
    "LIST": _from_mark(list),
    "TUPLE": _from_mark(tuple),
    "FROZENSET": _from_mark(list),
    "DICT": _from_mark(lambda items: _table(items, Table())),
    "TUPLE1": _tuple(1),
    "TUPLE2": _tuple(2),
    "TUPLE3": _tuple(3),
    "APPEND": _append,
    "APPENDS": lambda machine, _: _extend(machine, machine.pop_mark()),
    "ADDITEMS": lambda machine, _: _extend(machine, machine.pop_mark()),
    "SETITEM": _set_item,
    "SETITEMS": lambda machine, _: _set_items(machine, machine.pop_mark()),
    "MARK": _mark,
    "POP": _pop,
    "POP_MARK": _pop_mark,
    "DUP": _duplicate,
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _get),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), _put),
    "MEMOIZE": _memoize,
    "GLOBAL": _global,
    "STACK_GLOBAL": _global_from_stack,
    **dict.fromkeys(("EXT1", "EXT2", "EXT4"), _extension),
    "REDUCE": _reduce,
    "BUILD": _build,
    "INST": _instance,
    "OBJ": _object,
    "NEWOBJ": _new,
    "NEWOBJ_EX": _new_with_keywords,
    "PERSID": lambda machine, argument: machine.stack.append(Persistent(argument)),
    "BINPERSID": _persistent,
}
