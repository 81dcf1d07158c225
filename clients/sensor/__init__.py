"""The shell of the probe: its options, outputs, process and metrics."""
