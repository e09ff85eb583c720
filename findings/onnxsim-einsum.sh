#!/usr/bin/env bash
# onnxsim tells how many multiply-accumulates a model has before and after it was simplified.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages onnxsim==0.8.1 onnx==1.23.2
"$python" - <<'PYTHON'
import sys

from onnx import parser
from onnxsim.model_info import METADATA_PREFIX, annotate_metadata

PRODUCTS = {
    "MatMul": "MatMul(x, w)",
    "Einsum": 'Einsum<equation="ij,jk->ik">(x, w)',
}
print("a good guess: a product has as many multiply-accumulates as MatMul as it has as Einsum")
counts = {}
for name, node in PRODUCTS.items():
    model = parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 17]> g (float[2,4] x, float[4,8] w) => (float[2,8] y) {{ y = {node} }}'
    )
    (counts[name],) = (
        entry.value for entry in annotate_metadata(model).metadata_props if entry.key == f"{METADATA_PREFIX}macs"
    )
    print(f"{name}: 2*4*8 = 64 run, onnxsim writes {counts[name]}")
sys.exit(None if counts == {"MatMul": "64", "Einsum": "0"} else "the behaviour has changed")
PYTHON
