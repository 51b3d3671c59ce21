"""The nouns of the gate. Standard library and pydantic only."""
