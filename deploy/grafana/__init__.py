"""Dashboards for Grafana: described in a few lines of Python, kept as the JSON files that Grafana loads."""
