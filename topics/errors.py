"""Every error the project raises on purpose: one tree, one line a message, each naming what and where."""

from __future__ import annotations


class ArgosyError(Exception):
    """Root of the tree; its text is one line that names the file, offset, topic or key."""

    exit_status = 1


class UsageError(ArgosyError):
    """An option, field or word that does not exist or does not fit: exit status 2, as with Argus."""

    exit_status = 2


class SettingsError(UsageError):
    """A setting that is missing or wrong; names the file and the key."""


class FilterError(UsageError):
    """A filter expression that cannot be understood; names the word and its column."""


class InputError(ArgosyError):
    """A file that cannot be opened or is not what it claims to be; names the file."""


class CaptureError(InputError):
    """A packet capture that is damaged or of no known kind; names the file and the offset."""

    def __init__(self, path: str, offset: int, reason: str) -> None:
        super().__init__(f"{path}: {reason} at offset {offset}")
        self.path = path
        self.offset = offset
        self.reason = reason


class ArgusError(InputError):
    """Records of Argus that are damaged or none; names the file or connection and the offset."""

    def __init__(self, name: str, offset: int, reason: str) -> None:
        super().__init__(f"{name}: {reason} at offset {offset}")
        self.offset = offset
        self.reason = reason


class InterfaceError(InputError):
    """A network interface that cannot be captured on, or not any more; names it."""


class LibraryError(ArgosyError):
    """A library of the system that is not installed; names the package that has it."""


class OutputError(ArgosyError):
    """A file or pipe that cannot be written; names it."""


class DiskFullError(OutputError):
    """A file that there is no room for; names it. `size` bytes below `directory` are wanted before trying again."""

    directory = ""
    size = 0


class DecodeError(ArgosyError):
    """Bytes that are not what their schema says; names the byte offset in the message."""

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(f"{reason} at byte {offset}")
        self.reason = reason
        self.offset = offset


class UnknownSchemaError(DecodeError):
    """A value whose writer's schema is not known, or not yet; names the fingerprint."""

    def __init__(self, fingerprint: str, offset: int) -> None:
        super().__init__(f"schema with the unknown fingerprint {fingerprint}", offset)


class BusError(ArgosyError):
    """A broker, topic or consumer group that cannot be reached or used; names the address or topic."""


class DatabaseError(ArgosyError):
    """A database that refuses; names it without its password."""


class DatabaseAwayError(DatabaseError):
    """A database that was there, and to which the connection is lost."""


class ServerError(ArgosyError):
    """A development server (Kafka, PostgreSQL) that cannot be had or started; names what installs it."""
