"""Channels over HTTP: webhooks and Alertmanager."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib import error, request

from sinks.alerts.refusals import NotDeliveredError
from sinks.alerts.settings import secret
from topics.alerts import RESOLVED

if TYPE_CHECKING:
    from collections.abc import Callable

    from sinks.alerts.settings import Channel
    from topics.alerts import Alert

LATER = {408, 425, 429}  # answers that ask to try again; so do those from 500 up
MOST_ANSWER = 4096
MOST_WAIT = 300.0
SECOND = 1_000_000_000
SEVERAL = "Argosy-Held-Back"


def webhook(channel: Channel, clock: Callable[[], float] = time.time) -> Callable[[Alert, int], None]:
    """Return what posts an alert as JSON. The header Argosy-Signature is `t=SECONDS,v1=HEX`.

    HEX is the HMAC with SHA-256 of `SECONDS.BODY` under the secret. Idempotency-Key tells messages apart. Raises
    SettingsError.
    """
    said = channel.webhook
    assert said is not None  # noqa: S101 - the kind of the channel says so
    url, key = secret(said.url, channel.name), secret(said.secret, channel.name).encode()

    def send(alert: Alert, held_back: int) -> None:
        body = json.dumps(alert.plain, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"{alert.id}-{alert.revision}"}
        headers |= said.headers | ({SEVERAL: str(held_back)} if held_back else {})
        if key:
            now = str(int(clock()))
            signed = hmac.new(key, f"{now}.".encode() + body, hashlib.sha256).hexdigest()
            headers["Argosy-Signature"] = f"t={now},v1={signed}"
        post(url, body, headers, said.timeout)

    return send


def alertmanager(channel: Channel, clock: Callable[[], float] = time.time) -> Callable[[Alert, int], None]:
    """Return what posts an alert to Alertmanager. Raises SettingsError."""
    said = channel.alertmanager
    assert said is not None  # noqa: S101 - the kind of the channel says so
    url = secret(said.url, channel.name).rstrip("/") + "/api/v2/alerts"
    authorization = secret(said.authorization, channel.name)

    def send(alert: Alert, _: int) -> None:
        now = clock()
        ends = now if alert.state == RESOLVED else now + said.hold
        tags = {f"tag_{name}": value for name, value in alert.tags.items() if name.isidentifier()}
        labels = dict(alert.subject) | tags | {"alertname": alert.rule, "severity": alert.severity, "source": "argosy"}
        told = {
            "labels": labels,
            "annotations": {
                "summary": alert.summary,
                "query": alert.query,
                "id": alert.id,
                "records": str(alert.count),
            },
            "startsAt": _iso(min(alert.first / SECOND, now)),
            "endsAt": _iso(ends),
        }
        headers = {"Content-Type": "application/json"} | ({"Authorization": authorization} if authorization else {})
        post(url, json.dumps([told]).encode(), headers, said.timeout)

    return send


def post(url: str, body: bytes, headers: dict[str, str], timeout: float) -> None:
    """Post a body; raises NotDeliveredError, which does not tell the address: it may hold a secret."""
    asked = request.Request(url, data=body, headers=headers | {"User-Agent": "argosy"})  # noqa: S310 - the settings take http and https only
    try:
        with request.urlopen(asked, timeout=timeout) as answer:  # noqa: S310 - as above
            answer.read(MOST_ANSWER)
    except error.HTTPError as refusal:
        with refusal:
            passes = refusal.code in LATER or refusal.code >= 500
            wait = refusal.headers.get("Retry-After", "")
        seconds = min(float(wait), MOST_WAIT) if wait.isdigit() else 0.0
        raise NotDeliveredError(f"answered {refusal.code} {refusal.reason}", passes=passes, wait=seconds) from None
    except (OSError, ValueError) as failure:
        reason = getattr(failure, "reason", None) or getattr(failure, "strerror", None) or failure
        raise NotDeliveredError(f"no answer ({reason})") from None


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
