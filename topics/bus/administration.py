"""Topics on the broker: making and finding them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec
from confluent_kafka.cimpl import NewTopic

from topics.bus.client import client_settings, wait_seconds
from topics.bus.transient import passes, patiently
from topics.errors import BusError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from confluent_kafka.admin._metadata import ClusterMetadata, TopicMetadata

    from topics.definitions import TopicDefinition

CONNECT_SECONDS = 10.0
CREATE_SECONDS = 30.0
RETRY_SECONDS = 0.05
TURN_SECONDS = 1.0
REFUSALS = frozenset(
    {
        KafkaError._AUTHENTICATION,  # noqa: SLF001 - the public names of what librdkafka itself reports
        KafkaError._SSL,  # noqa: SLF001
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.UNSUPPORTED_SASL_MECHANISM,
        KafkaError.ILLEGAL_SASL_STATE,
    }
)
FORBIDDEN = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    }
)


def admin_client(url: str) -> AdminClient:
    """Return a client for the brokers of a bus address."""
    return AdminClient(client_settings(url))


def metadata(url: str, timeout: float = CONNECT_SECONDS, topic: str | None = None) -> ClusterMetadata:
    """Return what the cluster says about itself, or about one topic.

    Raises BusError when the brokers do not let us in, or none answers within `timeout` seconds.
    """
    refusals: list[KafkaError] = []

    def note(error: KafkaError) -> None:
        if error.code() in REFUSALS:
            refusals.append(error)

    client = AdminClient(client_settings(url) | {"error_cb": note})
    try:
        return patiently(lambda left: _topics(client, topic, left, refusals), timeout, lambda: bool(refusals))
    except KafkaException as error:
        if refusals:
            raise BusError(f"{url}: {refused(refusals[0])}") from None
        raise BusError(f"{url}: no Kafka broker answered within {timeout:g} s ({error.args[0].str()})") from None


def _topics(client: AdminClient, topic: str | None, left: float, refusals: list[KafkaError]) -> ClusterMetadata:
    """Ask in short turns, so that a refusal is noticed in between."""
    deadline = time.monotonic() + left
    while True:
        turn = min(TURN_SECONDS, max(0.01, deadline - time.monotonic()))
        try:
            return client.list_topics(topic, timeout=turn) if topic else client.list_topics(timeout=turn)
        except KafkaException as error:
            client.poll(0)  # brings in the refusals
            if not passes(error.args[0]) or refusals or time.monotonic() + turn > deadline:
                raise


def refused(error: KafkaError) -> str:
    """Say in words for people that the brokers do not let us in, or do not let us do something."""
    code = error.code()
    if code in REFUSALS:
        return f"the brokers do not let us in: {error.str()}"
    if code in FORBIDDEN:
        return f"no right to do this ({error.str()}); `argosy topics acl` gives rights"
    return error.str()


def partition_count(url: str, topic: str, timeout: float = CONNECT_SECONDS, wait: float | None = None) -> int:
    """Return how many partitions a topic has.

    Brokers and the topic are waited for as long as `wait` says, by default the settings of the bus. Raises BusError
    when it does not exist, we have no right to know it, or no broker answers.
    """
    started, wait = time.monotonic(), wait_seconds() if wait is None else wait
    found = metadata(url, max(timeout, wait), topic).topics.get(topic)
    while (left := started - time.monotonic() + (timeout if _passes(found) else wait)) > 0 and not _is_known(found):
        time.sleep(min(left, RETRY_SECONDS if _passes(found) else TURN_SECONDS))
        found = metadata(url, timeout, topic).topics.get(topic)
    if found is not None and found.error is not None and found.error.code() in FORBIDDEN:
        raise BusError(f"{url}: topic {topic}: {refused(found.error)}")
    if found is None or found.error is not None:
        raise BusError(f"{url}: topic {topic} does not exist; `argosy topics create` makes it")
    return len(found.partitions)


def _is_known(found: TopicMetadata | None) -> bool:
    return found is not None and found.error is None


def _passes(found: TopicMetadata | None) -> bool:
    return found is not None and found.error is not None and passes(found.error)


def create_topics(
    url: str, definitions: Iterable[TopicDefinition], *, partitions: int | None = None, replication: int = 1
) -> list[str]:
    """Create the topics that are missing and return their names; those that exist are left as they are.

    `partitions` takes the place of the number that each definition has. Topics can be used on return. Raises BusError
    naming the topic.
    """
    existing = metadata(url, max(CONNECT_SECONDS, wait_seconds())).topics
    missing = [definition for definition in definitions if definition.name not in existing]
    new = [
        NewTopic(
            definition.name,
            num_partitions=partitions or definition.partitions,
            replication_factor=replication,
            config=definition.settings,
        )
        for definition in missing
    ]
    client = admin_client(url)
    for name, created in (client.create_topics(new, operation_timeout=CREATE_SECONDS) if new else {}).items():
        try:
            created.result(CREATE_SECONDS)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:  # somebody else was faster
                raise BusError(f"{url}: topic {name}: {refused(error.args[0])}") from None
    names = [definition.name for definition in missing]
    _wait_until_known(url, names)
    _wait_until_led(url, names)
    return names


def _wait_until_known(url: str, names: list[str]) -> None:
    """Wait for what the controller has made to arrive at the broker."""
    deadline = time.monotonic() + CREATE_SECONDS
    while unknown := set(names) - _led_topics(url):
        if time.monotonic() > deadline:
            raise BusError(f"{url}: topic {min(unknown)}: still without a leader after {CREATE_SECONDS:g} s")
        time.sleep(RETRY_SECONDS)


def _wait_until_led(url: str, names: list[str]) -> None:
    """Wait until the leaders know that they are: for a moment after the metadata says so, they still refuse."""
    found = metadata(url).topics
    client = admin_client(url)
    latest: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # confluent-kafka's own
    ends = {TopicPartition(name, number): latest for name in names for number in found[name].partitions}
    try:
        patiently(lambda left: [end.result(left) for end in client.list_offsets(ends).values()], CREATE_SECONDS)
    except KafkaException as error:
        raise BusError(f"{url}: topic {names[0]}: {error.args[0].str()}") from None


def _led_topics(url: str) -> set[str]:
    """Return the topics of which every partition has a leader."""
    return {
        name
        for name, topic in metadata(url).topics.items()
        if topic.error is None and all(partition.leader >= 0 for partition in topic.partitions.values())
    }
