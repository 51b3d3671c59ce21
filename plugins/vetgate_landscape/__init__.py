"""The functional landscape: embeddings and pictures."""
