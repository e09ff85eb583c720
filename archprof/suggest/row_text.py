"""The text of a variant's file with other first arguments in its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from archprof.sources.spec import VariantSpec


def with_first_arguments(text: str, spec: VariantSpec) -> str | None:
    """A file with the first argument of each row as a variant has it; None where the file's form does not allow that.

    Args:
        text: The file, whose rows are those of the variant but for first arguments.
        spec: The variant.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    sections = {key.value: value for key, value in root.value} if isinstance(root, yaml.MappingNode) else {}
    nodes = [row for name in ("backbone", "head") for row in getattr(sections.get(name), "value", [])]
    if len(nodes) != len(spec.rows):
        return None
    changes: dict[tuple[int, int], int] = {}
    for row, node in zip(spec.rows, nodes, strict=True):
        if f"row {row.index} args[0]" not in spec.edits:
            continue
        arguments = node.value[3] if isinstance(node, yaml.SequenceNode) and len(node.value) > 3 else None
        if not isinstance(arguments, yaml.SequenceNode) or not arguments.value:
            return None
        first, channels = arguments.value[0], row.arguments[0]
        # Rows of one anchor have their arguments in one place of the file.
        if changes.setdefault((first.start_mark.index, first.end_mark.index), channels) != channels:
            return None
    for (begin, end), channels in sorted(changes.items(), reverse=True):
        text = f"{text[:begin]}{channels}{text[end:]}"
    return text
