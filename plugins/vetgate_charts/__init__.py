"""The ranking of candidates, as a table and as a bubble chart."""
