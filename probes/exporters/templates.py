"""Templates: the fields of records that a set holds (RFC 3954 section 5, RFC 7011 section 3.4)."""

from __future__ import annotations

import struct
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from probes.exporters import layout as at
from probes.exporters.elements import SCOPE_INTERFACE, Meaning, meaning

if TYPE_CHECKING:
    from collections.abc import Iterator

Int64 = np.ndarray[Any, np.dtype[np.int64]]

PAIR, ENTERPRISE = struct.Struct(">HH"), struct.Struct(">I")
ENTERPRISE_BIT = 0x8000
MOST_FIELDS = 512
LEAST_ID = 256
LEAST_RECORD = 8  # bytes: shorter ones name no conversation, and would make much out of little
SCOPES = {SCOPE_INTERFACE: 10}  # kinds of scope of NetFlow 9 as elements
ENDS = frozenset({"src_high", "dst_high", "src_mac", "dst_mac"})


class Field(NamedTuple):
    """One field of a template: enterprise 0 is IANA's."""

    enterprise: int
    number: int
    length: int


@dataclass(frozen=True)
class Template:
    """The fields of a record in order; the first `scopes` of them say what options are about, 0 for flow records."""

    fields: tuple[Field, ...]
    scopes: int = 0

    @cached_property
    def known(self) -> tuple[Meaning | None, ...]:
        """What each field is for, None where it is skipped."""
        return tuple(meaning(each.enterprise, each.number) for each in self.fields)

    @cached_property
    def shortest(self) -> int:
        """Bytes of the shortest record."""
        return sum(1 if each.length == at.VARIABLE else each.length for each in self.fields)

    @cached_property
    def columns(self) -> frozenset[str]:
        """Names of the columns that its fields fill."""
        return frozenset(known.column for known in self.known if known)

    @cached_property
    def of_flows(self) -> bool:
        """Whether its records tell of conversations."""
        return not self.scopes and self.shortest >= LEAST_RECORD and bool(self.columns & ENDS)

    @cached_property
    def table(self) -> Int64:
        """What the kernel needs of each field, shape (n, FIELD_COLUMNS); what is skipped is skipped in one go."""
        rows: list[list[int]] = []
        for each, known in zip(self.fields, self.known, strict=True):
            if known is not None:
                rows.append([each.length, known.operation, at.PLACES[known.column]])
            elif each.length != at.VARIABLE and rows and _joins(rows[-1], each.length):
                rows[-1][at.LENGTH] += each.length
            else:
                rows.append([each.length, at.SKIPPED, 0])
        return np.array(rows, np.int64).reshape(-1, at.FIELD_COLUMNS)

    @property
    def is_biflow(self) -> bool:
        """Whether a record tells of both directions."""
        return bool(self.columns & {"reverse_packets", "reverse_bytes"})


def _joins(row: list[int], length: int) -> bool:
    return row[at.OPERATION] == at.SKIPPED and row[at.LENGTH] != at.VARIABLE and row[at.LENGTH] + length < at.VARIABLE


class TemplateError(Exception):
    """A set of templates that is not what it says; the reason is for counting."""


def read_templates(body: memoryview, *, ipfix: bool, options: bool) -> Iterator[tuple[int, Template | None]]:
    """Yield the templates of a set with their ids; None withdraws one (RFC 7011, section 8.1).

    Raises TemplateError where fields are said to lie outside of the set, or are too many.
    """
    place = 0
    while len(body) - place >= PAIR.size:
        number, count = PAIR.unpack_from(body, place)
        if number == 0:
            return  # padding
        place += PAIR.size
        if count == 0 and ipfix:
            yield number, None
            continue
        if number < LEAST_ID:
            raise TemplateError("reserved id")
        scopes = 0
        if options:
            scopes, count, place = _scopes(body, place, count, ipfix=ipfix)
        fields, place = _fields(body, place, count, ipfix=ipfix)
        if options and not ipfix:
            fields = tuple(
                each._replace(number=SCOPES.get(each.number, 0)) if index < scopes else each
                for index, each in enumerate(fields)
            )
        template = Template(fields, scopes)
        if not template.shortest:
            raise TemplateError("records without a byte")
        yield number, template


def _scopes(body: memoryview, place: int, count: int, *, ipfix: bool) -> tuple[int, int, int]:
    """Return how many fields are scopes, how many there are in all, and where they begin."""
    if len(body) - place < 2:
        raise TemplateError("no number of scopes")
    scopes = int.from_bytes(body[place : place + 2], "big")
    if not ipfix:  # NetFlow 9 says in bytes how long scopes are, and how long the others
        scopes, count = count // PAIR.size, (count + scopes) // PAIR.size
    if not 0 < scopes <= count:
        raise TemplateError("more scopes than fields")
    return scopes, count, place + 2


def _fields(body: memoryview, place: int, count: int, *, ipfix: bool) -> tuple[tuple[Field, ...], int]:
    if not 0 < count <= MOST_FIELDS:
        raise TemplateError("too many fields")
    fields = []
    for _ in range(count):
        if len(body) - place < PAIR.size:
            raise TemplateError("fields outside of the set")
        number, length = PAIR.unpack_from(body, place)
        place += PAIR.size
        enterprise = 0
        if ipfix and number & ENTERPRISE_BIT:
            if len(body) - place < ENTERPRISE.size:
                raise TemplateError("fields outside of the set")
            number, enterprise = number & ~ENTERPRISE_BIT, ENTERPRISE.unpack_from(body, place)[0]
            place += ENTERPRISE.size
        if length == at.VARIABLE and not ipfix:
            raise TemplateError("variable length in NetFlow 9")
        fields.append(Field(enterprise, number, length))
    return tuple(fields), place


class Templates:
    """The templates of one exporter, by domain and id; of more than `most` the one used longest ago is forgotten."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.forgotten = self.changed = 0
        self._known: OrderedDict[tuple[int, int], Template] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def get(self, domain: int, number: int) -> Template | None:
        """Return a template that is known."""
        found = self._known.get((domain, number))
        if found is not None and len(self._known) > 1:
            self._known.move_to_end((domain, number))
        return found

    def put(self, domain: int, number: int, template: Template) -> bool:
        """Take a template; return whether it is new or has another layout than before."""
        before = self._known.get((domain, number))
        if before == template:
            return False
        self.changed += before is not None
        self._known[domain, number] = template
        self._known.move_to_end((domain, number))
        while len(self._known) > self.most:
            self._known.popitem(last=False)
            self.forgotten += 1
        return True

    def withdraw(self, domain: int, number: int) -> None:
        """Forget a template, all of the domain for an id of template sets (RFC 7011, section 8.1)."""
        for key in [key for key in self._known if key[0] == domain] if number < LEAST_ID else [(domain, number)]:
            self._known.pop(key, None)

    def items(self) -> list[tuple[tuple[int, int], Template]]:
        """Return all templates with their domain and id."""
        return list(self._known.items())
