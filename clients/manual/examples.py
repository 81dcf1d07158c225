"""One or a few uses of every command, which `--help`, the manual pages and a test that runs them all take from here.

They are lines for a shell, after `make run`: build/sample.pcap is there, and build/sample-data what was made of it.
"""

from __future__ import annotations

from typing import NamedTuple

BUS = "--bus kafka://127.0.0.1:9092"
DATA = "-R build/sample-data"
KEEP_PAYLOAD = "argosy probe -r build/sample.pcap -U 512 -w build/payload.parquet"


class Example(NamedTuple):
    """A line for a shell and what it does; `needs` says what it takes besides: `kafka`, or a signal to `stop` it."""

    line: str
    text: str
    needs: str = ""


PAYLOAD = Example(KEEP_PAYLOAD, "keep the first 512 bytes that each side says")
EXAMPLES: dict[str, tuple[Example, ...]] = {
    "run": (Example("argosy run -r build/sample.pcap --data build/flows", "audit a capture, keep its flows"),),
    "probe": (
        Example("argosy probe -r build/sample.pcap -w build/records.parquet", "status records, a file of them"),
        Example(
            "argosy probe -r build/sample.pcap -w - - udp port 53 | argosy ra -r - -N 3",
            "of the packets of DNS alone, on to another command",
        ),
    ),
    "events": (Example("argosy events prog:/bin/uname:0 -w -", "ask a program once, print what it says"),),
    "ra": (
        Example(f"argosy ra {DATA} -N 5", "the first five flows"),
        Example(f"argosy ra {DATA} -s stime saddr daddr pkts bytes - tcp and dst port 22", "these fields of SSH"),
        Example(f"argosy ra {DATA} -t 2026/03/10.09:00+1m -M json -s stime dur saddr load", "a minute, as JSON"),
    ),
    "racluster": (
        Example(
            f"argosy racluster {DATA} -m saddr daddr -s saddr daddr trans pkts bytes", "one record a pair of hosts"
        ),
        Example(f"argosy racluster {DATA} -m proto dport -s proto dport trans bytes", "what each service carried"),
    ),
    "web": (Example(f"argosy web {DATA} --port 0", "a page on what `make run` audited", "stop"),),
    "explain": (
        Example(f"argosy explain $(argosy ra {DATA} -N 1 -s hash | tail -1) {DATA}", "all that is known of a flow"),
    ),
    "observers": (Example(f"argosy observers {DATA} -N 3 - primary", "each conversation once"),),
    "rasort": (Example(f"argosy rasort {DATA} -m bytes -N o5 -s saddr daddr dport bytes", "the five largest"),),
    "rabins": (
        Example(f"argosy rabins -M time 1m -m proto {DATA} -s stime proto pkts bytes", "every minute, by protocol"),
    ),
    "rasplit": (
        Example(f"argosy rasplit -M time 5m {DATA} -w 'build/split/%H.%M.parquet'", "a file every five minutes"),
    ),
    "rastream": (
        Example(
            f"argosy rastream -M time 5m {DATA} -w 'build/stream/%H.%M.parquet' -f /bin/true",
            "the same, and run a program on each file that is closed",
        ),
    ),
    "racount": (Example(f"argosy racount {DATA} -M proto addr", "count by protocol and kind of address"),),
    "rafilteraddr": (
        Example(
            f"echo 10.20.5.0/24 > build/servers && argosy rafilteraddr -f build/servers {DATA} -N 3",
            "flows of the addresses in a list",
        ),
    ),
    "ratimerange": (Example(f"argosy ratimerange {DATA}", "from when to when"),),
    "ralabel": (
        Example(
            f"argosy ralabel --names build/sample-data {DATA} -N o3 -s saddr daddr dname - tcp port 443",
            "flows named by what clients had asked DNS for",
        ),
    ),
    "rastrip": (
        Example(f"argosy rastrip -M -net -M -jitter {DATA} -w build/less.parquet", "leave parts of records out"),
    ),
    "ranonymize": (
        Example(
            f"echo secret > build/key && argosy ranonymize --key build/key {DATA} -w build/anonymous.parquet",
            "other addresses, the same networks",
        ),
    ),
    "rasql": (Example("argosy rasql -r build/sample-data/flows.duckdb -N 3 - tcp", "records out of a database"),),
    "rasqlinsert": (
        Example(
            f"argosy rasqlinsert {DATA} -w build/hosts.sqlite/hosts -m saddr -s saddr pkts bytes",
            "a table with a row a host",
        ),
    ),
    "radump": (
        PAYLOAD,
        Example("argosy radump -r build/payload.parquet -N 5 - port 53", "what was asked of DNS, and what was said"),
        Example(
            "argosy radump -r build/payload.parquet -s saddr daddr tls.sni tls.version - port 443", "hellos of TLS"
        ),
        Example("argosy radump -r build/payload.parquet -M json printer=obfuscate", "all, but no credentials"),
    ),
    "ragrep": (
        PAYLOAD,
        Example("argosy ragrep -r build/payload.parquet -e 'd:^HTTP/1.[01] 200'", "answers of HTTP, on any port"),
        Example("argosy ragrep -r build/payload.parquet -i -e 'example|server' -c", "how many have one of these words"),
    ),
    "radecode": (
        PAYLOAD,
        Example("argosy radecode -r build/payload.parquet -N 3 - tcp port 80", "what tshark says of web traffic"),
        Example("argosy radecode -r build/payload.parquet -O tls -N 1 - port 443", "all it says of hellos of TLS"),
    ),
    "rauserdata": (
        PAYLOAD,
        Example(
            "argosy rauserdata -r build/payload.parquet --least 2 -w build/own.sig", "learn signatures of services"
        ),
    ),
    "raservices": (
        PAYLOAD,
        Example(
            "argosy rauserdata -r build/payload.parquet --least 2 -w build/own.sig"
            " && argosy raservices -f build/own.sig -r build/payload.parquet -N 5",
            "label flows with the service that their payload is of",
        ),
    ),
    "rahosts": (Example(f"argosy rahosts {DATA} -N o3 - net 10.20.0.0/16", "hosts, and how many they talked to"),),
    "raports": (
        Example(
            f"argosy raports {DATA} -t 2026/03/10.09:05-09:10 --before 2026/03/10.09:00-09:05",
            "services that are new, and those that are gone",
        ),
    ),
    "rapath": (Example(f"argosy rapath -A {DATA}", "paths, a line each"),),
    "rascan": (Example(f"argosy rascan {DATA}", "who looked for open ports"),),
    "radark": (Example(f"argosy radark {DATA}", "who sent to addresses that nobody has"),),
    "rarpwatch": (Example(f"argosy rarpwatch {DATA} -N o5", "stations that are new, and what changed"),),
    "rapolicy": (
        Example(
            "printf 'access-list 101 permit tcp any any eq 443\\naccess-list 101 deny ip any any\\n' > build/edge.acl"
            f" && argosy rapolicy -f build/edge.acl {DATA}",
            "how often each line of an access list was met",
        ),
    ),
    "racompare": (
        Example(
            f"argosy racompare {DATA} -t 2026/03/10.09:05-09:10 --before 2026/03/10.09:00-09:05 -M all -N o3",
            "what is new, gone, grown or shrunk",
        ),
    ),
    "radns": (Example(f"argosy radns {DATA} -M failed", "questions without a good answer"),),
    "raevent": (
        Example(
            "argosy events prog:/bin/uname:0 -w build/host.events && argosy raevent -r build/host.events",
            "what a program had said",
        ),
    ),
    "alerts": (
        Example("argosy alerts check starter -v", "explain the rules that come along"),
        Example(f"argosy alerts test starter {DATA}", "what they would have found"),
    ),
    "who": (Example(f"argosy who 10.20.1.21 {DATA}", "names that an address had"),),
    "fields": (Example("argosy fields sload", "what a field is made of"),),
    "ragraph": (
        Example(f"argosy ragraph bytes proto -M 1m {DATA} -w build/bytes.svg", "bytes a second by protocol, a picture"),
        Example(f"argosy ragraph pkts -M 1m --term {DATA}", "packets, in the terminal"),
    ),
    "export": (
        Example(f"argosy export {DATA} --to udp://127.0.0.1:4739", "all flows to a collector of IPFIX on this host"),
    ),
    "radium": (
        Example(f"argosy radium {DATA} -P 5561", "serve flows to the clients of Argus: ra -S localhost:5561", "stop"),
    ),
    "rahisto": (Example(f"argosy rahisto -H dur 10:0-1 {DATA}", "how often durations are, in ten classes"),),
    "ratop": (
        Example(f"argosy ratop -M realtime:10 {DATA}", "the sample as it was, ten times as fast", "a terminal"),
        Example("argosy probe -i eth0 -w - | argosy ratop -r -", "what an interface carries now", "a terminal"),
    ),
    "ratree": (
        Example(f"argosy ratree {DATA} -w build/hosts.svg", "who talks with whom, as a picture"),
        Example(f"argosy ratree -m saddr dport daddr --edges 50 {DATA} - tcp", "by which ports, for Graphviz"),
    ),
    "topics": (
        Example(f"argosy topics create {BUS}", "make the topics that are missing", "kafka"),
        Example(f"argosy topics list {BUS}", "what there is", "kafka"),
    ),
    "worker": (Example(f"argosy worker {BUS}", "merge what probes publish, until Ctrl-C", "kafka"),),
    "names": (Example(f"argosy names {BUS}", "name addresses, until Ctrl-C", "kafka"),),
    "audit": (Example("argosy audit --data build/sample-data", "do the numbers of a run agree"),),
    "sink": (Example(f"argosy sink files {BUS} --data build/archive", "keep flows in files, until Ctrl-C", "kafka"),),
    "archive": (Example("argosy archive verify build/sample-data", "are the files what they were"),),
    "completion": (Example("argosy completion bash > build/completion", "what bash needs"),),
    "man": (
        Example("argosy man ra | head -20", "a manual page; man -l - shows it as it should be"),
        Example("argosy man --write build/man", "all of them, into build/man/man1"),
    ),
    "warmup": (Example("argosy warmup", "compile everything now"),),
}


def of(usage: str) -> tuple[Example, ...]:
    """Return the examples of the command that a usage line is of; those of one kind of it, where it names that."""
    words = usage.split()
    known = EXAMPLES.get(words[1], ()) if len(words) > 1 else ()
    if words[3:4] == ["|"]:
        return known
    of_kind = tuple(example for example in known if example.line.split()[2:3] == words[2:3])
    return of_kind or known
