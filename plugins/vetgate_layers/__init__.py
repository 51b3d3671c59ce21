"""Which layer broke: inner tensors of both models, side by side."""
