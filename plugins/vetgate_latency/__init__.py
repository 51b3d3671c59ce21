"""How fast each model answers, in pairs of blocks taken in random order on the same machine."""
