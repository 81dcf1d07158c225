"""Certificates for one test: an authority, and who it signs. Made by openssl, good for a day."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

INSTALL = "apt-get install openssl"


def openssl() -> str | None:
    """Return the path of openssl, None when there is none."""
    return shutil.which("openssl")


class Authority:
    """Signs certificates; keeps everything in one directory."""

    def __init__(self, directory: Path, name: str = "authority") -> None:
        self._directory = directory
        self.certificate = directory / f"{name}.pem"
        self._key = directory / f"{name}.key"
        made = ["-keyout", str(self._key), "-out", str(self.certificate), "-subj", f"/CN={name}"]
        _run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *made)

    def sign(self, name: str, lock: Path | None = None) -> tuple[Path, Path]:
        """Return certificate and key (PKCS 8, locked by the password in a file) of `name`, at 127.0.0.1."""
        key, request, certificate = (self._directory / f"{name}.{kind}" for kind in ("key", "csr", "pem"))
        locked = ["-passout", f"file:{lock}"] if lock else ["-nodes"]
        subject = ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"]
        _run("req", "-newkey", "rsa:2048", *locked, "-keyout", str(key), "-out", str(request), *subject)
        signed = ["-CA", str(self.certificate), "-CAkey", str(self._key), "-CAcreateserial", "-days", "1"]
        _run("x509", "-req", "-in", str(request), "-out", str(certificate), "-copy_extensions", "copy", *signed)
        return certificate, key


def _run(*arguments: str) -> None:
    command = [openssl() or "openssl", *arguments]
    subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=True)
