"""What payloads say, protocol by protocol; and that what is cut or malformed is said."""

import ssl
import struct

import dpkt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.payload.decode import SERVICES, Payload, decode
from processors.payload.facts import FACTS
from processors.payload.message import Message
from processors.payload.tls import Hello, ja4
from topics.obfuscation import obfuscated

IPV4, ARP, TCP, UDP = 0x0800, 0x0806, 6, 17


def said(data: bytes, protocol: int = UDP, service: int = 0, *, whole: bool = True, blot: bool = False) -> Message:
    message = decode(Payload(data, IPV4, protocol, service, whole), blot=blot)
    assert message.facts.keys() <= FACTS.keys()
    return message


def dns_answer() -> bytes:
    records = [
        dpkt.dns.DNS.RR(name="www.example.com", type=5, cls=1, ttl=60, cname="web.example.com", rdata=b""),
        dpkt.dns.DNS.RR(name="web.example.com", type=1, cls=1, ttl=60, ip=bytes((192, 0, 2, 7)), rdata=b""),
    ]
    question = [dpkt.dns.DNS.Q(name="www.example.com", type=1)]
    return bytes(dpkt.dns.DNS(id=77, op=0x8180, qd=question, an=records))


def hello() -> bytes:
    """A client hello as OpenSSL writes it."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    connection = context.wrap_bio(incoming, outgoing, server_hostname="www.example.com")
    with pytest.raises(ssl.SSLWantReadError):
        connection.do_handshake()
    return outgoing.read()


def dhcp(message: int, options: bytes) -> bytes:
    head = struct.pack("!BBBBIHH4s4s4s4s", 1, 1, 6, 0, 7, 0, 0, bytes(4), bytes((10, 0, 0, 9)), bytes(4), bytes(4))
    mac = bytes.fromhex("020000000005").ljust(16, b"\0")
    return head + mac + bytes(192) + b"\x63\x82\x53\x63" + bytes((53, 1, message)) + options + b"\xff"


SNMP_GET = bytes.fromhex(
    "3029 020101 0406 7075626c6963 a01c 02047f5b37d9 020100 020100 300e 300c 0608 2b06010201010500 0500"
)
BGP_OPEN = b"\xff" * 16 + bytes.fromhex("0025 01 04 5ba0 00b4 0a000001 08 0206 41 04 00010001".replace(" ", ""))
BGP_UPDATE = b"\xff" * 16 + bytes.fromhex(
    "002f 02 0000 0014 40010100 40020602010000fde8 400304c0000201 18cb0071".replace(" ", "")
)
SMB_TREE = (
    b"\xfeSMB" + struct.pack("<HHIHHI", 64, 0, 0, 3, 1, 0) + bytes(44)
    + struct.pack("<HHHH", 9, 0, 72, 2 * len(r"\\files\plans")) + r"\\files\plans".encode("utf-16-le")
)  # fmt: skip


def test_questions_and_answers_of_dns() -> None:
    message = said(dns_answer(), service=53)
    assert message.protocol == "dns"
    assert message.text == "77+ A www.example.com: 2/0/0 CNAME web.example.com, A 192.0.2.7"
    assert message.facts["dns.rcode"] == "NOERROR"
    framed = struct.pack("!H", len(dns_answer())) + dns_answer()
    assert said(framed, TCP, 53).facts == message.facts
    assert said(dns_answer(), service=5353).facts["mdns.name"] == "www.example.com"


def test_names_in_the_data_of_dns_are_followed_to_where_they_stand() -> None:
    head = struct.pack("!6H", 9, 0x8400, 1, 1, 0, 0) + b"\x07example\3com\0" + struct.pack("!2H", 6, 1)
    start = b"\2ns\xc0\x0c\4post\xc0\x0c" + struct.pack("!5I", 7, 3600, 600, 86400, 60)
    record = b"\xc0\x0c" + struct.pack("!HHIH", 6, 1, 60, len(start)) + start
    told = "SOA ns.example.com post.example.com 7 3600 600 86400 60"
    assert said(head + record, service=53).facts["dns.data"] == told
    short = b"\xc0\x0c" + struct.pack("!HHIH", 6, 1, 60, len(start) - 4) + start
    assert str(said(head + short, service=53).facts["dns.data"]).startswith("SOA \\# 28 ")


def test_what_was_not_kept_is_told_from_what_is_malformed() -> None:
    cut = dns_answer()[:60]
    assert said(cut, service=53, whole=False).damage == "not kept further"
    assert said(cut, service=53).damage == "malformed: ends too early"
    loop = struct.pack("!6H", 1, 0, 1, 0, 0, 0) + b"\xc0\x0c\0\1\0\1"
    assert said(loop, service=53).damage == "malformed: a name that cannot be"


def test_a_hello_of_tls_names_server_protocols_and_fingerprints() -> None:
    facts = said(hello(), TCP).facts
    assert facts["tls.sni"] == "www.example.com"
    assert facts["tls.alpn"] == "h2,http/1.1"
    assert facts["tls.offered"] == "TLSv1.3"
    assert len(str(facts["tls.ja3"])) == 32
    assert str(facts["tls.ja4"]).startswith("t13d")
    assert "tls.ja4" not in said(hello()[:100], TCP, whole=False).facts


def test_ja4_is_that_of_its_specification() -> None:
    ciphers = "1301 1302 1303 c02b c02f c02c c030 cca9 cca8 c013 c014 009c 009d 002f 0035"
    kinds = "001b 0000 0033 0010 4469 0017 002d 000d 0005 0023 0012 002b ff01 000b 000a 0015"
    signatures = bytes.fromhex("0010 0403 0804 0401 0503 0805 0501 0806 0601")
    contents = {0x0D: signatures, 0x10: bytes.fromhex("000c02683208687474702f312e31"), 0x2B: b"\x06\x0a\x0a\3\4\3\3"}
    extensions = [(int(kind, 16), contents.get(int(kind, 16), b"")) for kind in kinds.split()]
    client = Hello(0x0303, [0x0A0A, *(int(each, 16) for each in ciphers.split())], [(0x1A1A, b""), *extensions])
    assert ja4(client) == "t13d1516h2_8daaf6152771_e5627efa2ab1"


def test_a_server_hello_says_what_was_chosen() -> None:
    body = struct.pack("!H32sBHBH", 0x0303, bytes(32), 0, 0x1301, 0, 6) + bytes.fromhex("002b00020304")
    record = b"\x16\x03\x03" + struct.pack("!HB", len(body) + 4, 2) + len(body).to_bytes(3, "big") + body
    facts = said(record, TCP).facts
    assert (facts["tls.version"], facts["tls.cipher"]) == ("TLSv1.3", "1301")


def test_http_asks_and_answers_on_any_port() -> None:
    asked = said(b"GET /a?b=c HTTP/1.1\r\nHost: example.com\r\nUser-Agent: curl\r\n\r\n", TCP)
    assert asked.text == "GET /a?b=c host=example.com agent=curl"
    answered = said(b"HTTP/1.1 404 Not Found\r\nServer: x\r\nContent-Length: 12\r\n\r\nno", TCP)
    assert (answered.facts["http.status"], answered.facts["http.length"]) == (404, 12)
    assert said(b"GET / HTTP/1.1\r\nHost: exam", TCP, whole=False).text == "GET / [not kept further]"


def test_stations_are_told_by_dhcp_and_arp() -> None:
    message = said(dhcp(5, b"\x0c\x03pc1\x33\x04\0\0\x0e\x10\x36\x04\x0a\0\0\1"), service=67)
    assert message.text == "ACK 02:00:00:00:00:05 name=pc1 address=10.0.0.9 server=10.0.0.1 lease=3600s"
    packet = bytes.fromhex("0001 0800 06 04 0001 020000000005 0a000009 000000000000 0a000001".replace(" ", ""))
    assert decode(Payload(packet, ARP, 0, 0, whole=True)).text == "who-has 10.0.0.1 tell 10.0.0.9"


@pytest.mark.parametrize(
    ("data", "protocol", "service", "text"),
    [
        (SNMP_GET, UDP, 161, "SNMPv2c community=public get 1.3.6.1.2.1.1.5.0"),
        (BGP_OPEN, TCP, 179, "OPEN as=65537 hold=180 router=10.0.0.1"),
        (BGP_UPDATE, TCP, 179, "UPDATE announced 203.0.113.0/24 path=65000 hop=192.0.2.1"),
        (bytes(4) + SMB_TREE, TCP, 445, r"SMB2 tree connect \\files\plans"),
        (b"\x24\x02" + bytes(10) + bytes((192, 0, 2, 1)) + bytes(24) + struct.pack("!II", 3_970_000_000, 0), UDP, 123,
         "NTPv4 server stratum=2 reference=192.0.2.1 2025-10-21T01:46:40Z"),
        (b"INVITE sip:bob@example.com SIP/2.0\r\nf: <sip:al@example.com>\r\nTo: bob\r\n\r\n", UDP, 0,
         "INVITE sip:bob@example.com from=<sip:al@example.com> to=bob"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", TCP, 22, "SSH-2.0-OpenSSH_9.2"),
        (b"\x00\x01hello", TCP, 0, '"..hello"'),
    ],
)  # fmt: skip
def test_other_protocols(data: bytes, protocol: int, service: int, text: str) -> None:
    assert said(data, protocol, service).text == text


@given(
    data=st.binary(max_size=400),
    head=st.sampled_from([b"", dns_answer(), SNMP_GET, BGP_UPDATE, bytes(4) + SMB_TREE, dhcp(1, b""), hello()]),
    keep=st.integers(0, 300),
    protocol=st.sampled_from([TCP, UDP, 1]),
    service=st.sampled_from(SERVICES),
)
@settings(max_examples=300, deadline=None)
def test_no_payload_raises_and_no_control_character_is_told(
    data: bytes, head: bytes, keep: int, protocol: int, service: int
) -> None:
    assert said(head[:keep] + data, protocol, service).text.isprintable()


@pytest.mark.parametrize(
    ("payload", "secret"),
    [
        (b"POST / HTTP/1.1\r\nAuthorization: Basic dTpw\r\n", b"dTpw"),
        (b"GET / HTTP/1.1\r\nCookie: id=abc; b=c\r\n", b"abc"),
        (b"user=ann&password=tiger&x=1", b"tiger"),
        (b"USER ann\r\nPASS tiger\r\n", b"tiger"),
        (b"a1 LOGIN ann tiger\r\n", b"tiger"),
        (b"AUTH PLAIN AGFubgB0aWdlcg==\r\n", b"AGFubgB0aWdlcg=="),
        (b"GET http://ann:tiger@example.com/", b"tiger"),
    ],
)
def test_credentials_are_blotted_out_and_lengths_stay(payload: bytes, secret: bytes) -> None:
    blotted = obfuscated(payload)
    assert secret not in blotted
    assert len(blotted) == len(payload)


def test_a_community_is_not_told_where_credentials_are_blotted_out() -> None:
    message = said(SNMP_GET, service=161, blot=True)
    assert "public" not in message.text
    assert message.facts["snmp.community"] == "xxxxxx"
