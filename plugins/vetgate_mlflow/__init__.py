"""MLflow: models by name from its registry and runs, and results published to it."""
