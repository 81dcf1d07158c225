"""Addresses of the bus."""

import pytest

from topics.bus import bootstrap
from topics.errors import UsageError


@pytest.mark.parametrize(
    ("url", "brokers"),
    [
        ("kafka://localhost:9092", "localhost:9092"),
        ("kafka://10.0.0.1:9092/", "10.0.0.1:9092"),
        ("kafka://a.example:1,b-2.example:65535", "a.example:1,b-2.example:65535"),
        ("kafka://[2001:db8::1]:9092", "[2001:db8::1]:9092"),
    ],
)
def test_brokers_of_an_address(url: str, brokers: str) -> None:
    assert bootstrap(url) == brokers


@pytest.mark.parametrize(
    "url",
    ["", "kafka://", "localhost:9092", "http://a:1", "kafka://a", "kafka://a:1,", "kafka://a:b", "kafka://:1",
     "kafka://a:1 b:2", "kafka://a:1\n", "kafka://user@a:1", "kafka://a:0", "kafka://a:65536"],
)  # fmt: skip
def test_anything_else_is_a_mistake_that_says_how_to_write_it(url: str) -> None:
    with pytest.raises(UsageError, match="write kafka://HOST:PORT") as mistake:
        bootstrap(url)
    assert mistake.value.exit_status == 2
    assert len(str(mistake.value).splitlines()) == 1
