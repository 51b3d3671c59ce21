"""The policy room: reads what people write, and judges evidence by it. Pure but for reading policy files."""
