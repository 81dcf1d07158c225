"""Name lookups: what precedes every visit, and the ones that go wrong."""

from dataclasses import dataclass

from tests.traffic import dns
from tests.traffic.sample.mirror_port import MICROSECOND, MILLISECOND, SECOND
from tests.traffic.sample.office import ALIASES, RESOLVER, Host
from tests.traffic.sample.scene import Scene
from tests.traffic.sample.tcp_conversation import TcpConversation


@dataclass
class Resolution:
    """One client's lookups over one mirror port."""

    scene: Scene
    client: Host
    version: int = 4

    def ask(self, now: int, name: str, record_type: int) -> tuple[int, int]:
        """Send a query; its port and transaction id."""
        port, transaction = self.scene.ephemeral_port(), self.scene.random.randrange(2**16)
        self.query(now, port, dns.dns_query(transaction, name, record_type))
        return port, transaction

    def query(self, now: int, port: int, message: bytes) -> None:
        """Send the client's question."""
        self.scene.datagram(now, (self.client, RESOLVER), (port, 53), message, version=self.version)

    def answer(self, now: int, port: int, message: bytes) -> None:
        """Send the resolver's answer."""
        self.scene.datagram(now, (RESOLVER, self.client), (53, port), message, version=self.version)

    def latency(self) -> int:
        """A hit in the resolver's cache, or a question further up."""
        if self.scene.random.random() < 0.6:
            return self.scene.random.randint(250 * MICROSECOND, 900 * MICROSECOND)
        return self.scene.random.randint(8 * MILLISECOND, 60 * MILLISECOND)

    def resolve(self, now: int, host: Host) -> int:
        """A and AAAA of `host`, asked at once as browsers do; the time both are there."""
        done = now
        for record_type, address in ((dns.RECORD_A, host.ipv4), (dns.RECORD_AAAA, host.ipv6)):
            port, transaction = self.ask(now, host.name, record_type)
            canonical = ALIASES.get(host.name, host.name)
            records = [dns.address_record(canonical, address)]
            if canonical != host.name:
                records.insert(0, dns.alias_record(host.name, canonical))
            answered = now + self.latency()
            self.answer(answered, port, dns.dns_answer(transaction, host.name, record_type, records))
            done, now = max(done, answered), now + 45 * MICROSECOND
        return done + 300 * MICROSECOND

    def fail(self, now: int, name: str) -> None:
        """A name that does not exist, with the SOA of its zone."""
        port, transaction = self.ask(now, name, dns.RECORD_A)
        zone = ".".join(name.split(".")[-2:])
        denial = dns.dns_answer(transaction, name, code=dns.NAME_ERROR, authorities=[dns.authority_record(zone, 900)])
        self.answer(now + self.latency(), port, denial)

    def stay_unanswered(self, now: int, name: str) -> None:
        """A query repeated after 5 s with the same id from the same port, both in vain."""
        port, transaction = self.ask(now, name, dns.RECORD_A)
        query = dns.dns_query(transaction, name, dns.RECORD_A)
        self.query(now + 5 * SECOND, port, query)

    def fall_back_to_tcp(self, now: int, name: str) -> None:
        """An answer too long for UDP: truncated there, asked again and given whole over TCP."""
        port, transaction = self.ask(now, name, dns.RECORD_TXT)
        now += self.latency()
        self.answer(now, port, dns.dns_answer(transaction, name, dns.RECORD_TXT, truncated=True))
        records = [dns.text_record(name, f"key-{number}=" + f"{number:x}" * 240) for number in range(8)]
        conversation = TcpConversation(
            self.scene,
            self.client,
            RESOLVER,
            53,
            start=now + MILLISECOND,
            round_trip=300 * MICROSECOND,
            version=self.version,
        )
        conversation.open()
        conversation.send(conversation.client, dns.over_tcp(dns.dns_query(transaction, name, dns.RECORD_TXT)))
        whole = dns.dns_answer(transaction, name, dns.RECORD_TXT, records)
        conversation.send(conversation.server, dns.over_tcp(whole))
        conversation.close(conversation.client)
