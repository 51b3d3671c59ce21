"""ExecuTorch: programs for PyTorch's runtime on devices."""
