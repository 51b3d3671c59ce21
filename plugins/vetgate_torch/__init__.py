"""PyTorch models for vetgate: weights, TorchScript, exported programs, safetensors."""
