"""`python -m clients.telemetry`: write docs/reference/metrics.md anew, in the directory of the project."""

from pathlib import Path

from clients.telemetry.page import page

Path("docs/reference/metrics.md").write_text(page(), encoding="utf-8")
