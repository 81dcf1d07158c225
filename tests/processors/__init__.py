"""Tests of the package processors."""
