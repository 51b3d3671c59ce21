"""Opens TFLite models with LiteRT and describes them from their FlatBuffer."""
