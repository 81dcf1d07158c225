"""`argosy rastream`: rasplit for records as they come, with a program for each file."""

from clients.records.rasplit import STREAM as OPTIONS
from clients.records.rasplit import run_stream as run

__all__ = ["OPTIONS", "run"]
