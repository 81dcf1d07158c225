"""One settings block for every program that speaks to Kafka: TLS, mutual TLS, SASL, and what else it has to know.

It is read from the environment (`ARGOSY_BUS_TLS`, `ARGOSY_BUS_PASSWORD_FILE`, ...) and from the YAML file that
`ARGOSY_BUS_SETTINGS` names, where the environment goes first. Secrets never stand on a command line, in a message or
in a log.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import ssl
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from topics.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "ARGOSY_BUS_"
FILE = PREFIX + "SETTINGS"
TOKEN_SECONDS = 300  # how long a token that does not say so is taken to hold
MOST_SECRET = 64 * 1024


class Security(BaseModel):
    """How clients prove who they are, and how they make sure of the brokers."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    tls: bool = Field(default=False, description="encrypt, and make sure of the brokers")
    ca_file: Path | None = Field(
        default=None, description="who signed the brokers' certificates (PEM); else what the system trusts"
    )
    certificate_file: Path | None = Field(default=None, description="our own certificate (PEM), for mutual TLS")
    key_file: Path | None = Field(default=None, description="its key (PEM)")
    key_password: SecretStr | None = Field(default=None, description="password of the key")
    key_password_file: Path | None = Field(default=None, description="file with it")
    verify_hostname: bool = Field(default=True, description="whether certificates have to name the host")
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] | None = Field(
        default=None, description="how to log in: SASL"
    )
    username: str | None = Field(default=None, description="for every mechanism but OAUTHBEARER")
    password: SecretStr | None = Field(default=None, description="its password")
    password_file: Path | None = Field(default=None, description="file with it")
    token_file: Path | None = Field(default=None, description="for OAUTHBEARER: read again whenever a token is due")
    allow_clear_text: bool = Field(default=False, description="let PLAIN and OAUTHBEARER send their secret without TLS")
    compression: Literal["none", "lz4", "zstd", "gzip", "snappy"] = Field(
        default="lz4", description="what producers do to messages"
    )
    registry: str | None = Field(default=None, description="address of a schema registry")
    registry_username: str | None = Field(default=None, description="who asks it")
    registry_password: SecretStr | None = Field(default=None, description="password for it")
    registry_password_file: Path | None = Field(default=None, description="file with it")
    wait: float = Field(
        default=0.0, ge=0, le=86_400, description="seconds to wait at the start for brokers and topics, and databases"
    )

    @model_validator(mode="after")
    def _fits(self) -> Security:
        if self.mechanism == "OAUTHBEARER" and self.token_file is None:
            raise ValueError("the mechanism OAUTHBEARER needs token_file")
        if self.mechanism not in (None, "OAUTHBEARER") and not (
            self.username and (self.password or self.password_file)
        ):
            raise ValueError(f"the mechanism {self.mechanism} needs username and password_file")
        if self.mechanism in ("PLAIN", "OAUTHBEARER") and not self.tls and not self.allow_clear_text:
            raise ValueError(f"the mechanism {self.mechanism} without tls would send its secret in clear text")
        if self.mechanism is None and (self.username or self.password or self.password_file or self.token_file):
            raise ValueError("a user name, password or token without mechanism")
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file belong together")
        if not self.tls and (self.ca_file or self.certificate_file):
            raise ValueError("certificates without tls")
        return self

    @property
    def protocol(self) -> str:
        """Kafka's name of the way to connect."""
        return ("SASL_" if self.mechanism else "") + ("SSL" if self.tls else "PLAINTEXT")

    def librdkafka(self) -> dict[str, Any]:
        """Return the settings of a confluent-kafka client."""
        settings: dict[str, Any] = {"security.protocol": self.protocol}
        if self.tls:
            settings["ssl.endpoint.identification.algorithm"] = "https" if self.verify_hostname else "none"
            files = {
                "ssl.ca.location": self.ca_file,
                "ssl.certificate.location": self.certificate_file,
                "ssl.key.location": self.key_file,
            }
            settings |= {name: str(path) for name, path in files.items() if path is not None}
            if password := self.secret("key_password"):
                settings["ssl.key.password"] = password
        if self.mechanism == "OAUTHBEARER":
            settings |= {"sasl.mechanisms": self.mechanism, "oauth_cb": lambda _: self.token()}
        elif self.mechanism:
            settings |= {
                "sasl.mechanisms": self.mechanism,
                "sasl.username": self.username,
                "sasl.password": self.secret("password"),
            }
        return settings

    def ssl_context(self) -> ssl.SSLContext | None:
        """Return the same for Python's own TLS, None without it."""
        if not self.tls:
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            context.check_hostname = self.verify_hostname
            if self.certificate_file is not None:
                context.load_cert_chain(self.certificate_file, self.key_file, self.secret("key_password"))
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(f"bus: certificates cannot be used: {error.strerror or error}") from None
        return context

    def secret(self, name: str) -> str | None:
        """Return a secret, out of its file when there is one; raises SettingsError."""
        path = getattr(self, f"{name}_file")
        if path is not None:
            return _read(path, f"{name}_file")
        value: SecretStr | None = getattr(self, name)
        return value.get_secret_value() if value is not None else None

    def token(self) -> tuple[str, float]:
        """Return the token as its file has it now, and when it ends (seconds since the epoch)."""
        token = _read(self.token_file or Path(), "token_file")
        return token, _end(token)


def security(environment: Mapping[str, str] = os.environ) -> Security:
    """Return the settings of this process; raises SettingsError naming the file or variable, and the key."""
    variables = {
        name.removeprefix(PREFIX).lower(): text
        for name, text in environment.items()
        if name.startswith(PREFIX) and name != FILE and text
    }
    path = environment.get(FILE)
    block = _block(path) if path else {}
    try:
        return Security(**block | variables)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        key = str(first["loc"][0]) if first["loc"] else ""
        where = PREFIX + key.upper() if key in variables or not path else f"{path}: bus.{key}".rstrip(".")
        raise SettingsError(f"{where.rstrip('_')}: {first['msg'].removeprefix('Value error, ')}") from None


def _block(path: str) -> dict[str, Any]:
    import yaml

    try:
        parsed = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        raise SettingsError(f"{path}: no YAML{where}") from None
    block = parsed.get("bus", {}) if isinstance(parsed, dict) else None
    if not isinstance(block, dict):
        raise SettingsError(f"{path}: bus: a block of keys is expected")
    return {str(key): value for key, value in block.items()}


def _read(path: Path, key: str) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(MOST_SECRET).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"bus: {key}: {path}: {getattr(error, 'strerror', None) or 'no text'}") from None
    if not text:
        raise SettingsError(f"bus: {key}: {path}: is empty")
    return text


def _end(token: str) -> float:
    """Read when a JSON web token (RFC 7519) ends out of it; the broker checks it, we only renew in time."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return float(claims["exp"])
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
        return time.time() + TOKEN_SECONDS
