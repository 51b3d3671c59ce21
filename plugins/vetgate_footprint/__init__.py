"""Measures what a model weighs: size, parameters, zeros, distinct weights and MACs, counted from the file."""
