#!/usr/bin/env bash
# The shape of a tensor that was written into a GGUF file and read back with the format's own package.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages gguf==0.19.0 numpy==2.4.6
"$python" - <<'PYTHON'
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import gguf
import numpy

with TemporaryDirectory() as folder:
    path = Path(folder, "model.gguf")
    writer = gguf.GGUFWriter(path, "test")
    writer.add_tensor("layer.weight", numpy.zeros((10, 20), dtype=numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    tensor = gguf.GGUFReader(path).tensors[0]
    shape, data = tuple(map(int, tensor.shape)), tensor.data.shape
print("a good guess: a weight of 10 rows and 20 columns comes back as (10, 20)")
print(f"its shape: {shape}; that of its data: {data}")
sys.exit(None if (shape, data) == ((20, 10), (10, 20)) else "the behaviour has changed")
PYTHON
