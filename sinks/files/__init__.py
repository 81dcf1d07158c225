"""Flows in files by the time they began: several outputs, each with its filter, format, names and cuts."""

from __future__ import annotations

from sinks.files.cutting import Cutting
from sinks.files.sink import FileSink
from sinks.files.sinks import FileSinks

__all__ = ["Cutting", "FileSink", "FileSinks"]
