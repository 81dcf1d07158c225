"""Millions of packets of plausible traffic, made by NumPy a window of time at a time: what benchmarks run on."""
