import dpkt

from tests.traffic import dns


def test_query_asks_recursively_for_one_name() -> None:
    parsed = dpkt.dns.DNS(dns.dns_query(0x1234, "www.example.com", dns.RECORD_AAAA))
    assert (parsed.id, parsed.qr, parsed.rd) == (0x1234, 0, 1)
    assert [(question.name, question.type) for question in parsed.qd] == [("www.example.com", dpkt.dns.DNS_AAAA)]


def test_answer_follows_an_alias_to_an_address() -> None:
    answers = [dns.alias_record("a.example.com", "b.example.net"), dns.address_record("b.example.net", "192.0.2.1", 60)]
    parsed = dpkt.dns.DNS(dns.dns_answer(7, "a.example.com", answers=answers))
    assert (parsed.qr, parsed.rcode, parsed.ra) == (1, 0, 1)
    assert parsed.an[0].cname == "b.example.net"
    assert (parsed.an[1].name, parsed.an[1].ip, parsed.an[1].ttl) == ("b.example.net", bytes((192, 0, 2, 1)), 60)


def test_denial_names_the_authority() -> None:
    denial = dns.dns_answer(7, "no.example.com", code=dns.NAME_ERROR, authorities=[dns.authority_record("example.com")])
    parsed = dpkt.dns.DNS(denial)
    assert (parsed.rcode, parsed.an) == (dpkt.dns.DNS_RCODE_NXDOMAIN, [])
    assert parsed.ns[0].mname == "ns1.example.com"


def test_truncated_answer_says_so() -> None:
    assert dpkt.dns.DNS(dns.dns_answer(7, "big.example.com", truncated=True)).tc == 1


def test_text_record_is_cut_into_strings() -> None:
    record = dns.text_record("big.example.com", "x" * 300)
    parsed = dpkt.dns.DNS(dns.dns_answer(7, "big.example.com", dns.RECORD_TXT, [record]))
    assert [len(text) for text in parsed.an[0].text] == [255, 45]


def test_message_over_tcp_is_preceded_by_its_length() -> None:
    message = dns.dns_query(1, "a.example.com")
    assert dns.over_tcp(message) == len(message).to_bytes(2, "big") + message
