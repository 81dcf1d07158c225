"""`argosy rastream`: rasplit for records as they come, with a program for each file."""

from clients.rasplit import STREAM as OPTIONS
from clients.rasplit import run_stream as run

__all__ = ["OPTIONS", "run"]
