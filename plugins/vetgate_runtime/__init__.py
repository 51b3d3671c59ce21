"""What backends of several runtimes share: how images become an input, and outputs class scores. No plugin."""
