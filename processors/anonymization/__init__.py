"""Records without who is behind them: what was equal stays equal, networks stay networks, the rest is replaced."""

from processors.anonymization.anonymizer import Anonymizer
from processors.anonymization.settings import AnonymizationSettings, read_settings

__all__ = ["AnonymizationSettings", "Anonymizer", "read_settings"]
