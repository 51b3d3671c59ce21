"""OpenVINO: its own format, and ONNX where a card asks for it."""
