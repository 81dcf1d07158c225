"""Where the settings of a probe come from: options, before the environment, before a YAML file.

Every key of the file is a field of Settings; the environment has the same names in capitals behind ARGOSY_PROBE_.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource

from probes.settings import MOST_OUTPUTS, Settings
from topics.environment import SHARED
from topics.errors import SettingsError
from topics.nearest import suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

DEFAULT_FILE = Path("/etc/argosy/probe.yaml")
PREFIX = "ARGOSY_PROBE_"
PLAINER = {
    "extra_forbidden": "is unknown",
    "string_too_short": "should not be empty",
    "too_long": f"should be at most {MOST_OUTPUTS}",
}
ARGUS_LINE = re.compile(r"^(ARGUS_\w+)\s*=", re.MULTILINE)
ARGUS_KEYS = {
    "ARGUS_MONITOR_ID": "probe",
    "ARGUS_INTERFACE": "interfaces",
    "ARGUS_GO_PROMISCUOUS": "promiscuous",
    "ARGUS_PCAP_BUF_SIZE": "ring_bytes",
    "ARGUS_TIMESTAMP_TYPE": "timestamps",
    "ARGUS_FILTER": "packet_filter",
    "ARGUS_FILTER_OPTIMIZER": "filter_optimizer",
    "ARGUS_FLOW_STATUS_INTERVAL": "status_interval",
    "ARGUS_MAR_STATUS_INTERVAL": "probe_status_interval",
    "ARGUS_HASHTABLE_SIZE": "max_flows",
    "ARGUS_OUTPUT_FILE": "outputs",
    "ARGUS_OUTPUT_STREAM": "outputs",
    "ARGUS_ACCESS_PORT": "outputs",
    "ARGUS_PACKET_SIZE_HISTOGRAM": "packet_size_histogram",
    "ARGUS_JITTER_HISTOGRAM": "jitter_histogram",
    "ARGUS_CAPTURE_FULL_CONTROL_DATA": "control",
    "ARGUS_CONTROLPLANE_PROTO": "control_protocols",
    "ARGUS_EVENT_DATA": "events",
    "ARGUS_DAEMON": "daemon",
    "ARGUS_SETUSER_ID": "user",
    "ARGUS_SETGROUP_ID": "group",
    "ARGUS_CHROOT_DIR": "chroot",
    "ARGUS_PID_PATH": "pid_file",
    "ARGUS_SET_PID": "pid_file",
    "ARGUS_DEBUG_LEVEL": "log_level",
    "ARGUS_LOG_DISPLAY_PRIORITY": "log_level",
}


def load(options: Mapping[str, tuple[str, Any]], file: str | None = None, *, defaults: bool = True) -> Settings:
    """Return the settings from options (key: how it was written, value), environment and file.

    `file` None is DEFAULT_FILE where there is one; without `defaults`, neither that nor the environment is looked at.
    Raises SettingsError naming the option, the variable, or the file and its key.
    """
    if file is None and defaults and DEFAULT_FILE.exists():
        file = str(DEFAULT_FILE)
    layers: list[tuple[str, dict[str, Any]]] = [
        ("option", {key: value for key, (_, value) in options.items()}),
        ("environment", _environment() if defaults else {}),
        ("shared", _shared() if defaults else {}),
        (file or "", _from_file(file) if file else {}),
    ]
    merged: dict[str, Any] = {}
    for _, values in reversed(layers):
        for key, value in values.items():
            before = merged.get(key)
            merged[key] = before | value if isinstance(before, dict) and isinstance(value, dict) else value
    try:
        return Settings(**merged)
    except ValidationError as error:
        raise _explained(error.errors()[0], options, layers) from None


def _environment() -> dict[str, Any]:
    for name in os.environ:
        key = name.removeprefix(PREFIX).lower()
        if name.startswith(PREFIX) and key not in Settings.model_fields:
            raise SettingsError(f"environment: {name} is no setting{suggestion(key, Settings.model_fields)}")
    found = EnvSettingsSource(Settings, env_prefix=PREFIX)()
    return {key: _structured(key, value) for key, value in found.items()}


def _shared() -> dict[str, Any]:
    """Return what the environment says to all programs alike."""
    return {key: os.environ[name] for key, name in SHARED.items() if os.environ.get(name)}


def _structured(key: str, text: Any) -> Any:  # noqa: ANN401 - as the environment has it
    """Take a list or mapping written in YAML, which is how one line of the file would have it."""
    if key in {"spool", "timeouts"} or (key in {"outputs", "files", "events"} and text.lstrip().startswith(("[", "{"))):
        return _yaml(text, f"environment: {PREFIX}{key.upper()}")
    return [text] if key == "files" else text


def _from_file(path: str) -> dict[str, Any]:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {getattr(error, 'strerror', None) or 'is no UTF-8 text'}") from None
    if found := ARGUS_LINE.search(text):
        key = ARGUS_KEYS.get(found[1])
        instead = f"write `{key}:` for {found[1]}" if key else f"nothing here is like {found[1]}"
        raise SettingsError(f"{path}: an argus.conf, which is not read; {instead}, see docs/reference/probe.md")
    values = _yaml(text, path)
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise SettingsError(f"{path}: should hold keys and values, `site: berlin` for instance")
    for key in values:
        if key not in Settings.model_fields:
            raise SettingsError(f"{path}: unknown key '{key}'{suggestion(str(key), Settings.model_fields)}")
    return values


def _yaml(text: str, where: str) -> Any:  # noqa: ANN401 - whatever it says
    try:
        return yaml.load(text, _UniqueKeys)  # noqa: S506 - a safe loader, which also refuses a key given twice
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark and "\n" in text.strip() else ""
        problem = getattr(error, "problem", None) or "no text"
        raise SettingsError(f"{where}{line}: no YAML ({problem})") from None


class _UniqueKeys(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        seen = set()
        for key, _ in node.value:
            if isinstance(key.value, str) and key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key '{key.value}' twice", key.start_mark)
            seen.add(key.value if isinstance(key.value, str) else "")
        return super().construct_mapping(node, deep)


def _explained(
    problem: ErrorDetails, options: Mapping[str, tuple[str, Any]], layers: list[tuple[str, dict[str, Any]]]
) -> SettingsError:
    key, path = str(problem["loc"][0]), ".".join(map(str, problem["loc"]))
    where = f"key '{path}'"
    for name, values in layers:
        if key in values:
            shown = {"option": f"option {options.get(key, (key,))[0]}", "environment": f"{PREFIX}{key.upper()}"}
            shown["shared"] = SHARED.get(key, "")
            where = shown.get(name) or f"{name}: key '{path}'"
            break
    message = PLAINER.get(problem["type"]) or problem["msg"].removeprefix("Value error, ").removeprefix("Input ")
    given = problem["input"]
    what = f", not '{given}'" if given != "" and isinstance(given, str | int | float) and "should" in message else ""
    return SettingsError(f"{where} {message}{what}")
