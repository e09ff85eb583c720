"""YAML text as nodes that know their line and column, within bounds that a hostile file cannot pass.

PyYAML's loader forgets where a value stood, keeps the last of two equal keys and unfolds aliases without end.
Here every value can be pointed at, equal keys are an error, and size, nesting and unfolding are bounded.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from archprof.errors import VariantError
from archprof.sources import yaml_syntax
from archprof.sources import yaml_text as texts

if TYPE_CHECKING:
    from pathlib import Path

try:
    from yaml import CSafeLoader as Loader
except ImportError:  # PyYAML built without libyaml
    from yaml import SafeLoader as Loader  # type: ignore[assignment]

MAX_NODES = 120_000
MAX_DEPTH = 40
MAX_NUMBER = 100

_TEXT = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value")
_MERGE = "tag:yaml.org,2002:merge"
_TAGS = {*_TEXT, *(f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float", "seq", "map"))}

_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]+")
"""What YAML does not allow in a text, even in a comment. Ultralytics leaves it out."""

_constructor = yaml.constructor.SafeConstructor()


class Document:
    """One YAML document.

    Args:
        text: The document.
        path: The file it came from, for messages.

    Attributes:
        text: The document, as given.
        root: Its outermost node.

    Raises:
        VariantError: Where the text is not YAML, is empty, or passes a bound; with line and column.
    """

    def __init__(self, text: str, *, path: Path | str | None = None) -> None:
        self.path = path
        self.text = text
        self._visited = 0
        printable = _UNPRINTABLE.sub("", text)
        try:
            self._check_bounds(printable)
            root = yaml.compose(printable, Loader)
            if "\0" in text and not isinstance(root, yaml.MappingNode):
                raise VariantError("a binary file, not YAML", path=path)
        except yaml.MarkedYAMLError as error:
            if "\0" in text:
                raise VariantError("a binary file, not YAML", path=path) from None
            mistake = yaml_syntax.explain(error, printable)
            raise VariantError(
                f"not valid YAML: {mistake.message}",
                path=path,
                line=mistake.line,
                column=mistake.column,
                hint=yaml_syntax.pointer(printable, mistake.line, mistake.column),
            ) from None
        except (yaml.YAMLError, UnicodeEncodeError) as error:
            raise VariantError(f"not valid YAML: {' '.join(str(error).split())}", path=path) from None
        if root is None:
            raise VariantError("the file is empty", path=path)
        self.root: yaml.Node = root

    @classmethod
    def read(cls, path: Path) -> Document:
        """The document in a file.

        Raises:
            VariantError: Where the file cannot be read, or is too large; and as above.
        """
        return cls(texts.decode(texts.read(path)), path=path)

    def error(
        self,
        message: str,
        node: yaml.Node | yaml.Event,
        *,
        hint: str | None = None,
        kind: type[VariantError] = VariantError,
    ) -> VariantError:
        """An error that points at a node of the file."""
        mark = node.start_mark
        assert mark is not None  # every node and event that was read from text has one
        return kind(message, path=self.path, line=mark.line + 1, column=mark.column + 1, hint=hint)

    def mapping(self, node: yaml.Node, what: str, depth: int = 0) -> dict[str, yaml.Node]:
        """A mapping's values by key, each key as it is written; those that ``<<`` merges come last.

        Args:
            node: The node that should be one.
            what: What to call it in a message, as "scales".
            depth: How many merges led to it.

        Raises:
            VariantError: Where it is not one, a key is a list or a mapping, or there are two equal keys.
        """
        if not isinstance(node, yaml.MappingNode):
            raise self.error(f"{what} must be a mapping (key: value), not {describe(node)}", node)
        if depth > MAX_DEPTH:
            raise self.error(f"more than {MAX_DEPTH} merges", node)
        merged: list[yaml.Node] = []
        values: dict[str, yaml.Node] = {}
        keys: dict[str, yaml.Node] = {}
        for key, value in node.value:
            self._visit(key)
            if key.tag == _MERGE:
                merged += value.value if isinstance(value, yaml.SequenceNode) else [value]
                continue
            if not isinstance(key, yaml.ScalarNode):
                raise self.error(f"a key of {what} must be a name or a number, not {describe(key)}", key)
            if key.value in values:
                first = keys[key.value].start_mark.line + 1
                raise self.error(f"duplicate key {key.value!r} in {what}, first on line {first}", key)
            values[key.value], keys[key.value] = value, key
        for other in merged:
            values = {**self.mapping(other, "what << merges", depth + 1), **values}
        return values

    def key(self, node: yaml.Node, name: str) -> yaml.Node:
        """The node of a mapping's key, which may stand on another line than its value; the mapping's where it has none.

        Args:
            node: The mapping.
            name: The key.
        """
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        return next((key for key, _ in pairs if key.value == name), node)

    def sequence(self, node: yaml.Node, what: str) -> list[yaml.Node]:
        """A list's items.

        Raises:
            VariantError: Where it is not a list.
        """
        if not isinstance(node, yaml.SequenceNode):
            raise self.error(f"{what} must be a list, not {describe(node)}", node)
        self._visit(node)
        return list(node.value)

    def plain(self, node: yaml.Node, depth: int = 0) -> Any:
        """A node as None, bool, int, float, str, list or dict; a date stays text.

        Raises:
            VariantError: Where it has a tag of another kind, or unfolds without bound.
        """
        self._visit(node)
        if depth > MAX_DEPTH:
            raise self.error(f"nested deeper than {MAX_DEPTH} levels", node)
        if node.tag not in _TAGS:
            raise self.error(f"tag {node.tag!r} is not allowed", node)
        if isinstance(node, yaml.SequenceNode):
            return [self.plain(item, depth + 1) for item in node.value]
        if isinstance(node, yaml.MappingNode):
            return {key: self.plain(item, depth + 1) for key, item in self.mapping(node, "a mapping").items()}
        if node.tag in _TEXT:
            return node.value
        if len(node.value) > MAX_NUMBER:
            raise self.error(f"{describe(node)} is not a number to compute with", node)
        try:
            return _constructor.construct_object(node)
        except (ValueError, KeyError, IndexError):
            raise self.error(f"{describe(node)} is not a value", node) from None

    def _check_bounds(self, text: str) -> None:
        """Walk the events, which do not nest, before PyYAML's recursive composer sees the text."""
        depth = 0
        for count, event in enumerate(yaml.parse(text, Loader)):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > MAX_DEPTH or count > MAX_NODES:
                bound = f"{MAX_DEPTH} levels of nesting" if depth > MAX_DEPTH else f"{MAX_NODES:,} values"
                raise self.error(f"more than {bound}", event)

    def _visit(self, node: yaml.Node) -> None:
        self._visited += 1
        if self._visited > 2 * MAX_NODES:
            raise self.error("aliases that unfold without end", node)


def describe(node: yaml.Node) -> str:
    """A node in a few words, for a message: the text of a scalar, the kind of anything else."""
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    text = str(node.value)
    short = text if len(text) <= 60 else f"{text[:57]}..."
    return repr(short) if node.tag in _TEXT else short or "nothing"


def line_of(node: yaml.Node) -> int:
    """The line a node starts on, counted from 1."""
    mark = node.start_mark
    assert mark is not None  # every node that was read from text has one
    return mark.line + 1
