#!/usr/bin/env bash
# A convolution with circular padding, of panoramas for example, converted by pnnx and computed by ncnn.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages pnnx==20261020 ncnn==1.0.20261020 torch==2.14.1 numpy==2.4.6
"$python" - <<'PYTHON'
import subprocess
import sys
import sysconfig
import warnings

import ncnn
import numpy
import torch
from torch import nn

warnings.simplefilter("ignore")


def in_ncnn(model, x):
    """What pnnx's file of a model gives in ncnn, in single precision."""
    torch.jit.trace(model, x).save("net.pt")
    converter = sysconfig.get_path("scripts") + "/pnnx"
    shape = str(list(x.shape)).replace(" ", "")
    subprocess.run([converter, "net.pt", f"inputshape={shape}", "fp16=0"], check=True, capture_output=True)
    net = ncnn.Net()
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    assert net.load_param("net.ncnn.param") == net.load_model("net.ncnn.bin") == 0
    extractor = net.create_extractor()
    extractor.input("in0", ncnn.Mat(x[0].numpy()).clone())
    return numpy.array(extractor.extract("out0")[1])


convolution = nn.Conv2d(1, 1, (1, 3), padding=(0, 1), padding_mode="circular", bias=False).eval()
convolution.weight.data.fill_(1.0)
x = torch.tensor([1.0, 2.0, 3.0, 4.0]).reshape(1, 1, 1, 4)
sums = in_ncnn(convolution, x).ravel().tolist()
with torch.no_grad():
    print(f"a good guess: sums of three around a ring, {convolution(x).ravel().tolist()}, or an error")
print(f"ncnn: {sums}, padded with zeros, and neither of the two says so")
sys.exit(None if sums == [3.0, 6.0, 9.0, 7.0] else "the behaviour has changed")
PYTHON
