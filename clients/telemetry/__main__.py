"""`python -m clients.telemetry`: write docs/metrics.md anew, in the directory of the project."""

from pathlib import Path

from clients.telemetry.page import page

Path("docs/metrics.md").write_text(page(), encoding="utf-8")
