"""Tests of the package probes."""
