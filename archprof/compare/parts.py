"""A profile's rows and modules as parts that add up to the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from archprof.compare.align import INPUT, source_of
from archprof.records.comparison import COUNTS, Part

if TYPE_CHECKING:
    from archprof.records.profile import Layer, Module, Profile


def rows_of(profile: Profile) -> list[Part]:
    """One part a row, in the order of the YAML. What no row accounts for, or two share, is in none of them."""
    outputs = {INPUT: profile.input.shapes} | {layer.index: layer.output_shapes for layer in profile.layers}
    parts = []
    for layer in profile.layers:
        repeats, arguments = _as_written(layer)
        sources = [source_of(source, layer.index) for source in layer.from_]
        parts.append(
            Part(
                index=layer.index,
                line=layer.line,
                path=layer.path,
                module=layer.module,
                from_=layer.from_,
                repeats=repeats,
                arguments=arguments,
                input_shapes=[shape for source in sources for shape in outputs.get(source, [])],
                output_shapes=layer.output_shapes,
                parameters=layer.parameters,
                flops=2 * layer.macs,
                elementwise_flops=layer.elementwise_flops,
                bytes_read=layer.bytes_read,
                bytes_written=layer.bytes_written,
                light_head=layer.light_head,
            )
        )
    return parts


def _as_written(layer: Layer) -> tuple[int, list[Any]]:
    """Repeats and arguments as in the file; those that the row was built with where the profile does not say."""
    if len(layer.yaml_row) == 4:
        _, repeats, _, arguments = layer.yaml_row
        return repeats, arguments
    return layer.repeats, layer.arguments


def modules_of(profile: Profile, depth: int) -> list[Part]:
    """One part a module: each with all that is in it at ``depth``, with its own at smaller depths."""
    parts = [_module(module, inclusive=module.depth == depth) for module in profile.modules if module.depth <= depth]
    return [msgspec.structs.replace(part, **_UNKNOWN) for part in parts] if profile.weights_only else parts


_UNKNOWN = dict.fromkeys(("output_shapes", *COUNTS[1:]))
"""What a file of weights alone does not tell of a module."""


def _module(module: Module, *, inclusive: bool) -> Part:
    return Part(
        path=module.path,
        module=module.type,
        output_shapes=module.output_shapes,
        parameters=module.parameters if inclusive else module.own_parameters,
        flops=2 * (module.macs if inclusive else module.own_macs),
        elementwise_flops=module.elementwise_flops if inclusive else module.own_elementwise_flops,
        bytes_read=module.bytes_read if inclusive else module.own_bytes_read,
        bytes_written=module.bytes_written if inclusive else module.own_bytes_written,
    )
