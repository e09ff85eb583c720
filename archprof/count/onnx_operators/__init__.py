"""What each operator of an ONNX file costs, by the same rules as the operations of PyTorch: a file a family."""
