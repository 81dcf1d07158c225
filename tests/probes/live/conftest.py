from collections.abc import Iterator

import pytest

from tests.libpcap import libpcap_installed  # noqa: F401 - a fixture
from tests.probes.live.wire import Wire, joined


@pytest.fixture
def wire(libpcap_installed: None) -> Iterator[Wire]:  # noqa: F811 - the fixture by its name
    with joined() as made:
        yield made
