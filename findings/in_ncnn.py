"""What pnnx's file of a model gives in ncnn, for the scripts here that are about both."""

import subprocess
import sysconfig
import warnings

import ncnn
import numpy
import torch

warnings.simplefilter("ignore")


def in_ncnn(model, x):
    """The output for one image or sequence, in single precision."""
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
