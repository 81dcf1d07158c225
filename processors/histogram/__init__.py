"""How often values of a metric are: classes of one width or of one ratio, and what the values come to."""

from processors.histogram.classes import Classes, Wish, parse_wish
from processors.histogram.values import Summary, Values, summary

__all__ = ["Classes", "Summary", "Values", "Wish", "parse_wish", "summary"]
