"""`argosy ranonymize`: records without who is behind them. As Argus's ranonymize, for IPv6 too, and keyed."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from clients.command import run_client
from clients.options import Option
from clients.reading import inquiry
from clients.writing.changing import put_changed
from topics.errors import InputError

if TYPE_CHECKING:
    from clients.options import Parsed
    from processors.anonymization import Anonymizer

USAGE = "argosy ranonymize [--key FILE] [-f CONF] -r FILE... -w FILE [OPTIONS] [- FILTER]"
SUMMARY = """Writes or prints records whose addresses, ports from 1024 up, times, sequence numbers, ids and probe names
are replaced. What was equal stays equal, networks stay networks of the same length; payload and labels are left out.
With the same key the same becomes the same in every run; without one each run draws its own.
Exit status: 0 when some record was selected, 1 when none was, 2 after an error."""
OPTIONS = (
    *inquiry.OPTIONS,
    inquiry.REJECTED,
    Option("--key", "FILE", "a secret, the content of this file, in place of a random one"),
    Option("-f", "CONF", "what to keep: RANON_PRESERVE_PORT_NUM=yes and so on, as in Argus's ranonymize.conf"),
    Option("-M", "MODE...", "TZ=ZONE, json, xml, label=PATTERN"),
)
KEY_SIZE, MOST_KEY = 32, 64


def run(arguments: list[str]) -> int:
    """Run the command; 0 when a record was selected, 1 when none was."""
    return run_client(arguments, OPTIONS, USAGE, SUMMARY, _run)


def _run(parsed: Parsed, _: set[str]) -> int:
    anonymizer = _anonymizer(parsed)
    return put_changed(parsed, lambda batch: [anonymizer.anonymized(batch)])


def _anonymizer(parsed: Parsed) -> Anonymizer:
    from dataclasses import replace

    from processors.anonymization import AnonymizationSettings, Anonymizer, read_settings

    settings = AnonymizationSettings()
    if parsed.word("-f"):
        settings = read_settings(parsed.word("-f") or "", settings)
    if parsed.word("--key"):
        settings = replace(settings, key=_key(parsed.word("--key") or ""))
    return Anonymizer(replace(settings, key=(settings.key or secrets.token_bytes(KEY_SIZE))[:MOST_KEY]))


def _key(path: str) -> bytes:
    from hashlib import blake2b

    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    if not content.strip():
        raise InputError(f"{path}: holds no key")
    return blake2b(content.strip(), digest_size=KEY_SIZE).digest()
