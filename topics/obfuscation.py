"""Credentials in payloads, blotted out: every byte of one becomes an x, so that lengths and all else stay."""

from __future__ import annotations

import re

# What comes before a credential, and the credential; each by the protocol that carries it in clear.
SECRETS = (
    re.compile(rb"(?i)((?:\bpass(?:word|wd|phrase)?|\bpwd|\bsecret|\btoken|\bapi[-_]?key)[ :=\"']{1,8})([^\s&\"']+)"),
    re.compile(rb"(?i)(\b(?:proxy-)?authorization: *\w+ +)([^\r\n]+)"),
    re.compile(rb"(?i)(\b(?:set-)?cookie: *)([^\r\n]+)"),
    re.compile(rb"(?i)(\bauth (?:plain|login|cram-md5) +)([^\s]+)"),
    re.compile(rb"(?i)(\blogin +[^\s]+ +)([^\s]+)"),
    re.compile(rb"(?i)(//[^/\s:@]{1,64}:)([^/\s@]{1,256})(?=@)"),
)


def obfuscated(payload: bytes) -> bytes:
    """Return a payload of the same length without its credentials: passwords, tokens, cookies, authorizations."""
    for secret in SECRETS:
        payload = secret.sub(_blotted, payload)
    return payload


def _blotted(match: re.Match[bytes]) -> bytes:
    return match[1] + b"x" * len(match[2])
