"""The room where models run: one child process per model, images decoded once, answers paired by image."""
