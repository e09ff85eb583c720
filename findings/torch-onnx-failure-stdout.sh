#!/usr/bin/env bash
# What torch's older ONNX exporter prints when it refuses a model, and where that goes.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages torch==2.14.1 numpy==2.4.6 onnx==1.23.2
cat >export.py <<'PYTHON'
import contextlib
import io
import sys
import warnings

import torch

warnings.simplefilter("ignore")


class Transposed(torch.nn.Module):
    def forward(self, matrix):
        return torch.relu(matrix).mT


python_output = io.StringIO()
with contextlib.redirect_stdout(python_output):
    try:
        torch.onnx.export(Transposed(), (torch.ones(2, 3),), io.BytesIO(), dynamo=False)
        end = "exported"
    except Exception as error:
        end = type(error).__name__
print(f"{end}; print() wrote {len(python_output.getvalue())} characters", file=sys.stderr)
PYTHON
echo "a good guess: the exception says what is wrong, and stdout, which the caller has redirected, stays empty"
"$python" export.py >stdout.txt 2>stderr.txt
grep "print() wrote" stderr.txt
echo "on the process's stdout: $(wc -l <stdout.txt) lines, the first of them: $(grep -m1 . stdout.txt)"
grep -q "^UnsupportedOperatorError; print() wrote 0 characters" stderr.txt && grep -q "graph(" stdout.txt || {
  echo "the behaviour has changed"
  exit 1
}
