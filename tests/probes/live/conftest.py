from collections.abc import Iterator

import pytest

from tests.probes.live.wire import Wire, joined


@pytest.fixture
def wire() -> Iterator[Wire]:
    with joined() as made:
        yield made
