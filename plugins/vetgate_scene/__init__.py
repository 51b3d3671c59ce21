"""Checks of models that tell what each pixel shows, and of models that find objects."""
