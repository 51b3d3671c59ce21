"""Opens ONNX models with ONNX Runtime and describes them with the onnx package."""
