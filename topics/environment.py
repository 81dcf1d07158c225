"""Variables of the environment that mean the same to all programs which run for long, by the setting they stand for."""

SHARED = {
    "metrics": "ARGOSY_METRICS",
    "log": "ARGOSY_LOG",
    "log_level": "ARGOSY_LOG_LEVEL",
    "log_format": "ARGOSY_LOG_FORMAT",
}
