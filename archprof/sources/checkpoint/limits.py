"""How much of a file is looked at, so that a hostile file costs seconds and some hundred megabytes at most.

The largest model YAML of Ultralytics makes a pickle of 0.3 MB and 100,000 opcodes.
"""

from __future__ import annotations

MAX_PICKLE_BYTES = 64 << 20
MAX_OPCODES = 1_000_000
"""Of all pickles of a file together."""
MAX_NAMES = 10_000
"""Of classes and functions; a model names some dozens."""
MAX_DIRECTORY_BYTES = 8 << 20
"""Of a zip file's directory: about 80,000 entries, of which each tensor has one."""
MAX_CODE_BYTES = 16 << 20
"""Of TorchScript's source."""
MAX_HEADER_BYTES = 16 << 20
"""Of a safetensors file's header."""
MAX_MODULES = 30_000
MAX_TENSORS = 100_000
MAX_ENTRIES = 2_000_000
"""Of the modules' dicts, all together: a pickle may give one dict to many modules."""
MAX_ATTRIBUTES = 100
"""Of one module; the others are left out."""
MAX_DEPTH = 100
"""Of modules in modules."""
MAX_NAME = 512
"""Characters of a module's or a tensor's full name."""
MAX_VALUES = 250_000
"""Of a YAML, class names or training arguments."""
MAX_VALUE_DEPTH = 40
MAX_INTEGER_BITS = 128
