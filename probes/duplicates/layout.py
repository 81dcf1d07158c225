"""What the judge of repeated packets remembers: int64 arrays of a fixed size for a feed, however many flows it has."""

from __future__ import annotations

# Verdicts on a packet, and the evidence that they rest on: verdict | evidence, as written to a trace.
NEW, COPY, RETRANSMISSION, KEEP_ALIVE, UNKNOWN = range(5)
VERDICT_BITS = 0xF
SAME_IDENTIFICATION = 0x10  # an IP identification that the sender gives to no other packet
BEFORE_ROUND_TRIP = 0x20  # sooner than the sender could have learned of a loss
LEARNED = 0x40  # this is how copies have lagged on this path so far
OTHER_TTL, OTHER_VLAN, OTHER_MACS, OTHER_MPLS, OTHER_TUNNEL = 0x100, 0x200, 0x400, 0x800, 0x1000
ELSEWHERE = OTHER_VLAN | OTHER_MACS | OTHER_MPLS | OTHER_TUNNEL  # no sender alone does that
DIFFERENCES_SHIFT = 8  # of the five above, which records carry

WINDOW = 10_000_000  # ns: no copy lags more
FLOOR = 100_000  # ns: nobody sends again sooner where the round trip is not known

# Packets seen lately lie in a ring in the order of their coming, so that those of the window share few cache lines.
# Places are found by fingerprint: each has the number of its newest packet, and every packet that of the one before.
REMEMBERED = 1 << 15  # packets: 3 million a second fill it within the window
PLACES = 1 << 13
MOST_STEPS = 16  # from packet to packet of one place
ENTRY_WORDS = 5
PRINT, TIME, SIGNATURE, COUNTS, BEFORE = range(ENTRY_WORDS)

# COUNTS of an entry: copies taken, times sent, the path of the last copy, whether a repetition was noted, the source.
ONE_COPY, ONE_SENDING, PATH_SHIFT, NOTED, SOURCE_SHIFT = 1, 1 << 8, 16, 1 << 32, 33
COUNT_MASK, PATH_MASK, SENDINGS_AND_COPIES = 0xFF, 0xFFFF, 0xFFFF
MOST_COPIES = 8  # of a packet over one path: more are a sender that repeats itself

# The signature of how a packet came: what differs between a packet and its copies.
TTL_BITS, VLAN_BITS, VLAN_SHIFT, INNER_BITS = 0xFF, 0xFFF00, 8, 0xFF00000
MPLS_BITS, TUNNEL_BITS, MAC_BITS = 0xFF0000000, 0xFF000000000, -1 << 44

# Paths that copies took, and where packets came from: what share is repeated, and how late.
PATHS = 512
NEIGHBOURS = 4  # rows that a key may have
PATH_KEY, PATH_RUNS, PATH_MORE, PATH_LAGS = range(4)
LAG_BUCKETS = 32  # powers of two of ns
PATH_WORDS = PATH_LAGS + LAG_BUCKETS
SOURCE_KEY, SOURCE_PACKETS = range(2)
SOURCE_WORDS = 2
LEAST_RUNS = 16  # repetitions before a path counts as one that copies take
FEW_RUNS = 4  # for packets whose identification is theirs alone
LEAST_SHARE = 0.4  # of packets from a source that are repeated, at least: senders that repeat by themselves stay below
MOST_MORE = 2  # further repetitions to each first one, at most
LEAST_LAG_SHARE = 0.05  # of repetitions that came about as late

# Where each lies in what kernels are given.
ENTRIES, NEWEST_OF_PLACES, PATHS_TAKEN, SOURCES, STATE, PRINTS, TRACE = range(7)

# How the judge stands: int64[STATE_WORDS]; LAG and DIFFERENCES are of the last copy, WAS the signature of its packet.
ACTIVE, WATCHING, OFF = range(3)
STATE_WORDS = 10
MODE, NEXT_MODE, SWITCH_AT, JUDGED, FOUND, LAG, DIFFERENCES, WAS, NEWEST, OLDEST = range(STATE_WORDS)
PERIOD = 1 << 16  # packets judged until what was learned weighs half
QUIET = 1 << 15  # packets judged: without a copy in so many, only one packet in SAMPLE is looked at
SAMPLE = 64
AHEAD = 64  # packets until a switch takes effect: more than are decoded ahead, so that blocks do not matter
