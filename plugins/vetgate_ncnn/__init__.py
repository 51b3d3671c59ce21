"""ncnn: models of a text of layers and a file of weights."""
