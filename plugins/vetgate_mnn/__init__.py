"""MNN: models in one FlatBuffer, on the CPU."""
