"""Sums over columns that lie in memory: by codes, by time, and which rows come first in an order."""
