"""The contract of the two models: whether what they take and give can be compared at all."""
