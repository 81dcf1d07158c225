"""Which labels flows get: from a YAML file, or from a ralabel.conf of Argus."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from topics.errors import SettingsError
from topics.nearest import suggestion

_VARIABLE = re.compile(r'(?P<name>RA[A-Z0-9_]*)\s*=\s*"?(?P<value>[^"]*?)"?\s*')
FILES = {
    "RA_DELEGATED_IP": "delegated",
    "RALABEL_IANA_ADDRESS_FILE": "addresses",
    "RALABEL_LOCALITY_FILE": "locality",
    "RALABEL_IEEE_ADDRESS_FILE": "vendors",
    "RALABEL_ARGUS_FLOW_FILE": "rules",
    **{f"RALABEL_GEOIP_{kind}{version}_FILE": "geo" for kind in ("ASN", "CITY") for version in ("", "_V4", "_V6")},
}
SWITCHES = {"RALABEL_IANA_ADDRESS": "classes", "RALABEL_IANA_PORT": "services"}
BLOCKED = "RALABEL_FIREHOL_FILES"
IGNORED = re.compile(
    "RALABEL_(ARIN_COUNTRY_CODES|LOCALITY|IEEE_ADDRESS|ARGUS_FLOW|GEOIP_(ASN|CITY)|IANA_PORT_FILE|.*BIND.*|DNS_.*|PRINT_.*|LOCAL.*)"
)


class LabelSettings(BaseModel):
    """Which files to read; those of `blocked_addresses` and `blocked_names` by the name that labels give the list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    geo: list[str] = Field(default_factory=list, description="databases in MaxMind's format: countries, cities, AS")
    delegated: list[str] = Field(default_factory=list, description="lists of the registries: countries of networks")
    classes: bool = Field(default=False, description="label private, loopback, multicast, ... addresses")
    addresses: list[str] = Field(default_factory=list, description="networks with labels of their own")
    locality: list[str] = Field(default_factory=list, description="local networks, with AS and group")
    services: bool = Field(default=False, description="label the service of the destination port")
    vendors: str = Field(default="", description="IEEE's list of vendors of MACs")
    rules: str = Field(default="", description="filters, and the label that each gives")
    blocked_addresses: dict[str, str] = Field(default_factory=dict, description="lists of addresses")
    blocked_names: dict[str, str] = Field(default_factory=dict, description="lists of names")


def read_label_settings(path: str) -> LabelSettings:
    """Return what a file says; names in it are relative to it. Raises SettingsError naming the file and the key."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {getattr(error, 'strerror', 'no text in UTF-8')}") from None
    if re.search(r"^\s*RA[A-Z0-9_]*\s*=", text, re.MULTILINE):
        values = _of_ralabel(path, text)
    else:
        try:
            values = yaml.safe_load(text) or {}
        except yaml.YAMLError as error:
            line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
            raise SettingsError(f"{path}: line {line}: no YAML ({getattr(error, 'problem', 'unreadable')})") from None
    if not isinstance(values, dict):
        raise SettingsError(f"{path}: keys and values are wanted")
    try:
        settings = LabelSettings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        known = suggestion(key, LabelSettings.model_fields) if first["type"] == "extra_forbidden" else ""
        raise SettingsError(f"{path}: {key}: {first['msg'].lower()}{known}") from None
    return _beside(settings, Path(path).parent)


def _beside(settings: LabelSettings, directory: Path) -> LabelSettings:
    def placed(value: Any) -> Any:  # noqa: ANN401 - a name, several, or by name
        if isinstance(value, list):
            return [placed(each) for each in value]
        if isinstance(value, dict):
            return {key: placed(each) for key, each in value.items()}
        return str(directory / value) if isinstance(value, str) and value else value

    return LabelSettings.model_validate({name: placed(value) for name, value in settings.model_dump().items()})


def _of_ralabel(path: str, text: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.partition("#")[0].partition(" //")[0].strip()
        match = _VARIABLE.fullmatch(content)
        if not content:
            continue
        if match is None:
            raise SettingsError(f"{path}: line {number}: cannot read '{content[:60]}'; write NAME=VALUE")
        name, value = match["name"], match["value"]
        if name in SWITCHES:
            values[SWITCHES[name]] = value.lower() == "yes"
        elif name in FILES:
            key = FILES[name]
            values[key] = value if key in ("vendors", "rules") else [*values.get(key, []), value]
        elif name == BLOCKED:
            values["blocked_addresses"] = {Path(each).stem: each for each in value.replace(",", " ").split()}
        elif not IGNORED.fullmatch(name):
            raise SettingsError(
                f"{path}: line {number}: unknown variable '{name}'{suggestion(name, [*FILES, *SWITCHES])}"
            )
    return values
