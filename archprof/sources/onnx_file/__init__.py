"""What is in an ONNX file, without onnx: its messages but for what its weights hold."""
