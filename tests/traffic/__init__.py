"""The project's own traffic: frames and captures built from scratch, the same bytes for the same seed."""
