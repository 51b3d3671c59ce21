"""The footprint of the two models: bytes, learned values and arithmetic, counted from the files."""
