"""Damaged input for everything that reads bytes of strangers."""
