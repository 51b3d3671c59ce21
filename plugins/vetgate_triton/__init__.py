"""Models that run on Triton Inference Server, or on another server of the same protocol (KServe v2)."""
