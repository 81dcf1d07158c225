"""Messages of NetFlow 5, 7 and 9 and of IPFIX: their headers and sets; records are left to the kernel.

RFC 3954 (NetFlow 9), RFC 7011 (IPFIX); NetFlow 5 and 7 are templates that never change.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from probes.exporters.exporter import Held
from probes.exporters.options import MOST_RATE, interface_name, interface_of, read_options, sampling, system_start
from probes.exporters.templates import Field, Template, TemplateError, read_templates

if TYPE_CHECKING:
    from collections.abc import Callable

    from probes.exporters.exporter import Exporter, Stream
    from probes.exporters.work import Work

SECOND, MILLISECOND = 1_000_000_000, 1_000_000
HEADER5 = struct.Struct(">HHIIIIBBH")
HEADER9 = struct.Struct(">HHIIII")
HEADER10 = struct.Struct(">HHIII")
SET = struct.Struct(">HH")
MOST_SETS = 1024  # in a message
MOST_SAMPLED = 0x3FFF

_BEFORE = ((8, 4), (12, 4), (15, 4), (10, 2), (14, 2), (2, 4), (1, 4), (22, 4), (21, 4), (7, 2), (11, 2))
_FIELDS5 = (*_BEFORE, (0, 1), (6, 1), (4, 1), (5, 1), (16, 2), (17, 2), (9, 1), (13, 1), (0, 2))
_FIELDS7 = (*_BEFORE, (0, 1), (6, 1), (4, 1), (5, 1), (16, 2), (17, 2), (9, 1), (13, 1), (0, 2), (0, 4))
FIXED = {
    version: Template(tuple(Field(0, number, length) for number, length in fields))
    for version, fields in ((5, _FIELDS5), (7, _FIELDS7))
}


class Messages:
    """Reads messages out of the bytes of `work`, and gives it the sets of records in them.

    `stream_of` returns the stream of a domain of an exporter, None for one too many; `learned` is told of templates
    that are new.
    """

    def __init__(
        self,
        work: Work,
        stream_of: Callable[[Exporter, int], Stream | None],
        learned: Callable[[Exporter, int, int, Template], None],
    ) -> None:
        self._work, self._stream_of, self._learned = work, stream_of, learned

    def take(self, exporter: Exporter, begin: int, end: int, arrived: int) -> None:
        """Take one message; what is wrong with it is counted."""
        data, counts = self._work.view, exporter.counts
        version = (data[begin] << 8 | data[begin + 1]) if end - begin >= 2 else 0
        if version == 10 and end - begin >= HEADER10.size:
            self._ipfix(exporter, begin, end, arrived)
        elif version == 9 and end - begin >= HEADER9.size:
            self._netflow9(exporter, begin, end, arrived)
        elif version in FIXED and end - begin >= HEADER5.size:
            self._netflow5(exporter, begin, end, arrived)
        else:
            counts["not_understood"] += 1

    def _netflow5(self, exporter: Exporter, begin: int, end: int, arrived: int) -> None:
        version, count, uptime, seconds, fraction, sequence, kind, engine, sampled = HEADER5.unpack_from(
            self._work.view, begin
        )
        stream = self._stream_of(exporter, (kind << 8 | engine) if version == 5 else 0)
        if stream is None:
            return
        template = FIXED[version]
        room = (end - begin - HEADER5.size) // template.shortest
        if count > room:
            exporter.counts["malformed"] += 1
        count = min(count, room)
        stream.sequence.take(sequence, count)
        time = seconds * SECOND + min(fraction, SECOND - 1)
        rate = sampled & MOST_SAMPLED if version == 5 else 0
        first = begin + HEADER5.size
        last = first + count * template.shortest
        self._work.add(stream, template, first, last, time, time - uptime * MILLISECOND, rate, arrived)

    def _netflow9(self, exporter: Exporter, begin: int, end: int, arrived: int) -> None:
        _, _, uptime, seconds, sequence, domain = HEADER9.unpack_from(self._work.view, begin)
        stream = self._stream_of(exporter, domain)
        if stream is None:
            return
        stream.sequence.unit = "datagrams"
        stream.sequence.take(sequence, 1)
        time = seconds * SECOND
        boot = time - uptime * MILLISECOND
        self._sets(stream, begin + HEADER9.size, end, (0, 1), time, boot, arrived)

    def _ipfix(self, exporter: Exporter, begin: int, end: int, arrived: int) -> None:
        _, length, seconds, sequence, domain = HEADER10.unpack_from(self._work.view, begin)
        stream = self._stream_of(exporter, domain)
        if stream is None:
            return
        if length != end - begin:
            exporter.counts["malformed"] += 1
        end = min(end, begin + max(length, HEADER10.size))
        first = self._work.items
        records = self._sets(stream, begin + HEADER10.size, end, (2, 3), seconds * SECOND, stream.system_start, arrived)
        self._work.note(stream, sequence, first, records)

    def _sets(
        self, stream: Stream, place: int, end: int, kinds: tuple[int, int], time: int, boot: int, arrived: int
    ) -> int | None:
        """Take the sets of a message; return how many records of options there were, None when some were not read."""
        work, exporter, options = self._work, stream.exporter, 0
        complete = True
        for _ in range(MOST_SETS):
            if end - place < SET.size:
                return options if complete else None
            number, length = SET.unpack_from(work.view, place)
            if length < SET.size or place + length > end:
                exporter.counts["malformed"] += 1
                return None
            first, last = place + SET.size, place + length
            place = last
            if number > 255:
                template = exporter.templates.get(stream.domain, number)
                if template is None:
                    held = Held(stream, number, bytes(work.view[first:last]), time, 0, boot, arrived)
                    exporter.counts["sets_before_template"] += 1
                    exporter.hold(held)
                    complete = False
                elif template.scopes:
                    options += self._options(stream, template, work.view[first:last])
                    boot = boot or stream.system_start
                else:
                    work.add(stream, template, first, last, time, boot, 0, arrived)
            elif number in kinds:
                self._templates(stream, work.view[first:last], ipfix=kinds[0] == 2, options=number == kinds[1])
            else:
                exporter.counts["reserved_sets"] += 1
        exporter.counts["malformed"] += 1
        return None

    def _templates(self, stream: Stream, body: memoryview, *, ipfix: bool, options: bool) -> None:
        exporter = stream.exporter
        try:
            for number, template in read_templates(body, ipfix=ipfix, options=options):
                if template is None:
                    exporter.templates.withdraw(stream.domain, number)
                    exporter.counts["templates_withdrawn"] += 1
                else:
                    exporter.counts["templates"] += 1
                    if exporter.templates.put(stream.domain, number, template):
                        self._learned(exporter, stream.domain, number, template)
                        self.release(exporter, stream.domain, number, template)
        except TemplateError:
            exporter.counts["malformed_templates"] += 1

    def release(self, exporter: Exporter, domain: int, number: int, template: Template) -> None:
        """Take what waited for a template."""
        for held in exporter.released(domain, number):
            if template.scopes:
                self._options(held.stream, template, memoryview(held.data))
            else:
                boot = held.boot or held.stream.system_start
                self._work.add_bytes(held.stream, template, held.data, held.time, boot, held.arrived)

    def _options(self, stream: Stream, template: Template, body: memoryview) -> int:
        """Learn from records of options; return how many there were."""
        exporter, count = stream.exporter, 0
        for values in read_options(template, body):
            count += 1
            if found := interface_name(values):
                exporter.learn_interface(stream.domain, *found)
            if found_rate := sampling(values):
                sampler, rate = found_rate
                if sampler:
                    exporter.learn_sampler(stream.domain, sampler, rate)
                elif interface := interface_of(template, values):
                    stream.learn_interface_rate(interface, min(rate, MOST_RATE))
                else:
                    stream.sampling = min(rate, MOST_RATE)
            if start := system_start(values):
                stream.system_start = start
        exporter.counts["option_records"] += count
        return count
