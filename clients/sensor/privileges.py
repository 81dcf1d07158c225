"""Giving rights up: into a directory, to a user, and all capabilities but CAP_NET_RAW.

The system calls that Python has no names for are those of prctl(2) and capset(2).
"""

from __future__ import annotations

import ctypes
import grp
import os
import pwd
from contextlib import suppress
from typing import TYPE_CHECKING

from topics.errors import SettingsError

if TYPE_CHECKING:
    from probes.settings import Settings

CAP_NET_RAW = 13
PR_SET_KEEPCAPS, PR_CAPBSET_READ, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 8, 23, 24, 38
CAPABILITY_VERSION_3 = 0x20080522
CAPABILITIES = 64  # as many as the system calls have bits for


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Data(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


Owner = tuple[int, int]


def owner_of(settings: Settings) -> Owner | None:
    """Return the user and group to become, None to stay who we are; raises SettingsError naming the key."""
    if settings.user:
        return user_and_group(settings.user, settings.group)
    if settings.group:
        raise SettingsError("key 'group' needs a 'user' too")
    return None


def drop(settings: Settings, owner: Owner | None, *, keep_raw: bool) -> None:
    """Stay in the directory that the settings name and become the owner; without either, nothing changes.

    What is needed later has to be loaded: see rehearsal.py. Raises SettingsError.
    """
    if settings.chroot:
        stay_in(settings.chroot)
    if owner:
        become(*owner, keep_raw=keep_raw)


def user_and_group(user: str, group: str) -> tuple[int, int]:
    """Return the numbers of a user and a group, by name or number; the group of the user when none is named.

    Raises SettingsError naming the key.
    """
    try:
        entry = pwd.getpwuid(int(user)) if user.isdecimal() else pwd.getpwnam(user)
    except (KeyError, OverflowError):
        raise SettingsError(f"key 'user' names '{user}', who does not exist") from None
    if not group:
        return entry.pw_uid, entry.pw_gid
    try:
        return entry.pw_uid, (grp.getgrgid(int(group)) if group.isdecimal() else grp.getgrnam(group)).gr_gid
    except (KeyError, OverflowError):
        raise SettingsError(f"key 'group' names '{group}', which does not exist") from None


def stay_in(directory: str) -> None:
    """Make a directory the root of all paths; raises SettingsError naming the key."""
    try:
        os.chroot(directory)
        os.chdir("/")
    except OSError as error:
        raise SettingsError(f"key 'chroot' names '{directory}': {error.strerror}") from None


def become(uid: int, gid: int, *, keep_raw: bool) -> None:
    """Become another user for good, with CAP_NET_RAW (`keep_raw`, to open interfaces again) or nothing.

    Threads that exist already end with no capability at all. Raises SettingsError when this process may not.
    """
    try:
        _forget_bounds(keep_raw=keep_raw)
        _prctl(PR_SET_KEEPCAPS, int(keep_raw))
        os.setgroups([gid])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
        _set_capabilities(1 << CAP_NET_RAW if keep_raw else 0)
        _prctl(PR_SET_NO_NEW_PRIVS, 1)
    except OSError as error:
        raise SettingsError(f"key 'user': cannot become {uid}:{gid}: {error.strerror}, which takes root") from None


def _forget_bounds(*, keep_raw: bool) -> None:
    """Empty the bounding set, so that no program started from here gets a capability back."""
    for capability in range(CAPABILITIES):
        known = _libc().prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1
        if known and (capability != CAP_NET_RAW or not keep_raw):
            with suppress(PermissionError):  # without CAP_SETPCAP, as in containers; no_new_privs does as much
                _prctl(PR_CAPBSET_DROP, capability)


def _set_capabilities(bits: int) -> None:
    header = _Header(CAPABILITY_VERSION_3, 0)
    data = (_Data * 2)(_Data(bits, bits, 0), _Data(0, 0, 0))
    _checked(_libc().capset(ctypes.byref(header), ctypes.byref(data)))


def _prctl(option: int, value: int) -> None:
    _checked(_libc().prctl(option, *(ctypes.c_ulong(word) for word in (value, 0, 0, 0))))


def _checked(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
