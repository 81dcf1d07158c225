"""Tests of the package sinks."""
