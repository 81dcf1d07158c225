"""Mirror ports that show packets more than once: found in the records of the probe that saw them."""

from processors.spans.watch import SpanWatch

__all__ = ["SpanWatch"]
