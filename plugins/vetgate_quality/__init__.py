"""How right each model is, over all images and class by class."""
