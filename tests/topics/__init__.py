"""Tests of the package topics."""
