"""Keras' archives, opened on PyTorch, where they name nothing but what is known to be harmless."""
