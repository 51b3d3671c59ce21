"""The policies that vetgate carries."""
