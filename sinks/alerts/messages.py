"""Channels that take texts: mail, syslog, and what the library apprise knows."""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
import time
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sinks.alerts.refusals import NotDeliveredError
from sinks.alerts.settings import FACILITIES, secret
from sinks.alerts.text import text, title
from topics.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sinks.alerts.settings import Channel, Email
    from topics.alerts import Alert

# Severities of RFC 5424: informational, notice, warning, error, critical.
LEVELS = {"info": 6, "low": 5, "medium": 4, "high": 3, "critical": 2}
ENTERPRISE = 32473  # the number that RFC 5612 keeps for examples
MOST_DATAGRAM = 2048  # that servers should take (RFC 5424, 6.1)
_PARAMETER = re.compile(r'(["\\\]])')


def email(channel: Channel) -> Callable[[Alert, int], None]:
    """Return what mails an alert. All messages of an alert answer its first. Raises SettingsError."""
    said = channel.email
    assert said is not None  # noqa: S101 - the kind of the channel says so
    password = secret(said.password, channel.name)

    def send(alert: Alert, held_back: int) -> None:
        message = EmailMessage()
        message["From"], message["To"] = said.sender, ", ".join(said.to)
        message["Subject"] = title(channel, alert, held_back)[:200]
        message["Date"] = datetime.now(UTC)
        message["Message-ID"] = f"<{alert.id}.{alert.revision}@argosy>"
        if alert.revision:
            message["In-Reply-To"] = message["References"] = f"<{alert.id}.0@argosy>"
        message.set_content(text(channel, alert))
        try:
            with _server(said) as server:
                if said.user:
                    server.login(said.user, password)
                server.send_message(message)
        except smtplib.SMTPAuthenticationError as error:
            raise NotDeliveredError(f"the mail server refuses user and password ({error.smtp_code})") from None
        except smtplib.SMTPResponseException as error:
            said_no = error.smtp_error.decode(errors="replace") if isinstance(error.smtp_error, bytes) else ""
            passes = error.smtp_code < 500
            raise NotDeliveredError(f"answered {error.smtp_code} {said_no}", passes=passes) from None
        except (smtplib.SMTPException, OSError) as error:
            passes = not isinstance(error, smtplib.SMTPRecipientsRefused | smtplib.SMTPNotSupportedError)
            raise NotDeliveredError(f"mail not taken ({error})", passes=passes) from None

    return send


def _server(said: Email) -> smtplib.SMTP:
    host, _, port = said.server.rpartition(":")
    host, context = host.strip("[]"), ssl.create_default_context()
    if said.tls == "always":
        return smtplib.SMTP_SSL(host, int(port), timeout=said.timeout, context=context)
    server = smtplib.SMTP(host, int(port), timeout=said.timeout)
    if said.tls == "starttls":
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
    return server


def syslog(channel: Channel, clock: Callable[[], float] = time.time) -> Callable[[Alert, int], None]:
    """Return what sends an alert as a message of RFC 5424. A datagram that gets lost is not noticed."""
    said = channel.syslog
    assert said is not None  # noqa: S101 - the kind of the channel says so
    facility, place = FACILITIES.index(said.facility), urlsplit(said.address)

    def send(alert: Alert, held_back: int) -> None:
        line = _line(channel, alert, held_back, facility, clock())
        try:
            if place.scheme == "unix":
                with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
                    server.settimeout(said.timeout)
                    server.sendto(line[:MOST_DATAGRAM], place.path)
            elif place.scheme == "tcp":
                with socket.create_connection((place.hostname, place.port or 0), said.timeout) as server:
                    server.sendall(b"%d %b" % (len(line), line))
                    server.shutdown(socket.SHUT_WR)
                    server.recv(1)  # until the other side has taken it
            else:
                _datagram(str(place.hostname), place.port or 0, line[:MOST_DATAGRAM])
        except OSError as error:
            raise NotDeliveredError(f"syslog not taken ({error.strerror or error})") from None

    return send


def _datagram(host: str, port: int, line: bytes) -> None:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind, protocol) as server:
        server.sendto(line, address)


def _line(channel: Channel, alert: Alert, held_back: int, facility: int, now: float) -> bytes:
    stamp = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    told = {"id": alert.id, "revision": str(alert.revision), "rule": alert.rule, "state": alert.state}
    told |= {"severity": alert.severity, "count": str(alert.count)} | dict(alert.subject)
    data = " ".join(f'{name}="{_PARAMETER.sub(chr(92) + chr(92) + "1", value)}"' for name, value in told.items())
    head = f"<{facility * 8 + LEVELS[alert.severity]}>1 {stamp} {socket.gethostname()} argosy - alert"
    return f"{head} [alert@{ENTERPRISE} {data}] \ufeff{title(channel, alert, held_back)}".encode()


def apprise(channel: Channel) -> Callable[[Alert, int], None]:
    """Return what hands an alert to apprise. Raises SettingsError for an address that it does not know."""
    from apprise import Apprise

    said = channel.apprise
    assert said is not None  # noqa: S101 - the kind of the channel says so
    server = Apprise()
    if not server.add(secret(said.url, channel.name)):
        raise SettingsError(f"channel '{channel.name}': apprise does not know the address in {said.url}")

    def send(alert: Alert, held_back: int) -> None:
        if not server.notify(body=text(channel, alert), title=title(channel, alert, held_back)):
            raise NotDeliveredError("apprise could not deliver it")

    return send
