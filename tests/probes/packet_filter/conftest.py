import pytest

from tests.libpcap import libpcap_installed  # noqa: F401 - a fixture


@pytest.fixture(autouse=True)
def _needs_libpcap(libpcap_installed: None) -> None:  # noqa: F811 - the fixture by its name
    """Every test here compiles a filter, or compares with libpcap."""
