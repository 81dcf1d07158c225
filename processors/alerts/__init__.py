"""Alerts: rules over records as they come, in the filter language, by event time."""

from processors.alerts.engine import Alerts
from processors.alerts.files import Rules, read_rules
from processors.alerts.settings import Rule, RuleFile, Silence

__all__ = ["Alerts", "Rule", "RuleFile", "Rules", "Silence", "read_rules"]
