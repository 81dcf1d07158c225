"""libpcap for the tests that need it, where it is installed."""

import pytest

from probes.packet_filter import libpcap
from topics.errors import LibraryError


@pytest.fixture
def libpcap_installed() -> None:
    """libpcap is here; skips when it is not, naming the package."""
    try:
        libpcap.compile_for_files("ip", 1, 65535)
    except LibraryError as error:
        pytest.skip(str(error))
