"""An ONNX file -> every operation that it runs, with its shapes: without torch, and without its weights."""
