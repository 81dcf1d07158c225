"""`python -m deploy.container.bill`: what is installed, as a bill of materials in CycloneDX 1.6 (JSON)."""

from __future__ import annotations

import json
import sys
from importlib.metadata import Distribution, distributions
from typing import Any
from urllib.parse import quote

OURS = "argosy"


def bill(found: list[Distribution]) -> dict[str, Any]:
    """Return the bill: argosy, and every distribution beside it, in order of their names."""
    parts = {_name(each): _component(each) for each in found}
    ours = parts.pop(OURS, {"type": "application", "name": OURS, "bom-ref": f"pkg:pypi/{OURS}"})
    rest = [parts[name] for name in sorted(parts)]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": ours | {"type": "application"}},
        "components": rest,
        "dependencies": [{"ref": ours["bom-ref"], "dependsOn": [each["bom-ref"] for each in rest]}],
    }


def _component(found: Distribution) -> dict[str, Any]:
    name = _name(found)
    address = f"pkg:pypi/{quote(name)}@{quote(found.version)}"
    component = {"type": "library", "name": name, "version": found.version, "purl": address, "bom-ref": address}
    headers = dict(found.metadata.items())  # type: ignore[attr-defined]  # a message, with its methods
    licence = headers.get("License-Expression", "")
    return component | ({"licenses": [{"expression": licence}]} if licence else {})


def _name(found: Distribution) -> str:
    return (found.metadata["Name"] or "unknown").lower().replace("_", "-")


if __name__ == "__main__":
    json.dump(bill(list(distributions())), sys.stdout, indent=1)
    sys.stdout.write("\n")
