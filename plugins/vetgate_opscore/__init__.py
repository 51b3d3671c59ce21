"""One score of accuracy, time and size, computed from what other checks measured."""
