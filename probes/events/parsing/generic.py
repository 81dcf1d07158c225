"""Text, JSON, and the XML that Argus's scripts write, of anything: what kind it is and the values in it."""

from __future__ import annotations

import json
import re
from typing import Any
from xml.parsers import expat

from probes.events.parsing.text import UnreadableError, short

Body = dict[str, Any]
MOST_VALUES = 2000
DEEPEST = 32
LONGEST_VALUE = 256
_XML = re.compile(r"\s*<(?:\?xml\b|\w)")


def parse_generic(text: str) -> Body:
    """Tell what the output of a program is; raises UnreadableError for XML that is damaged or has a DTD."""
    if "\0" in text:
        return {"format": "binary", "values": {}}
    begin = text.lstrip()[:1]
    if begin in {"{", "["} and (values := _json(text)) is not None:
        return {"format": "json", "values": values}
    if begin == "<" and _XML.match(text):
        return {"format": "xml", "values": parse_xml(text)}
    return {"format": "text", "values": {}}


def _json(text: str) -> dict[str, str] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    values: dict[str, str] = {}
    _gather(found, "", values, 0)
    return values


def _gather(value: object, path: str, values: dict[str, str], depth: int) -> None:
    """Note the leaves of JSON by their path, `disks.0.name` for instance."""
    if len(values) >= MOST_VALUES or depth > DEEPEST:
        return
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for name, each in items:
            _gather(each, f"{path}.{name}" if path else str(name), values, depth + 1)
    elif value is not None:
        values[short(path, LONGEST_VALUE)] = short(
            json.dumps(value) if not isinstance(value, str) else value, LONGEST_VALUE
        )


def parse_xml(text: str) -> dict[str, str]:
    """Return attributes by `ELEMENT.NAME` (`ELEMENT.1.NAME` of the second), texts by `ELEMENT`.

    Nothing is expanded: raises UnreadableError for a document type, as for anything that is no XML.
    """
    reader = _XmlReader()
    try:
        reader.parser.Parse(text.encode("utf-8", "replace"), True)  # noqa: FBT003 - expat takes it by position
    except expat.ExpatError as error:
        raise UnreadableError(f"damaged XML ({expat.ErrorString(error.code)}, line {error.lineno})") from None
    return reader.values


class _XmlReader:
    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self._seen: dict[str, int] = {}
        self._open: list[str] = []
        self.parser = expat.ParserCreate("utf-8")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = lambda _: self._open.pop()
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._refuse

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._open) >= DEEPEST:
            raise UnreadableError(f"XML with more than {DEEPEST} elements in each other")
        count = self._seen.get(name, 0)
        self._seen[name] = count + 1
        path = short(f"{name}.{count}" if count else name, LONGEST_VALUE)
        self._open.append(path)
        for key, value in attributes.items():
            self._note(f"{path}.{key}", value)

    def _text(self, text: str) -> None:
        if text.strip() and self._open:
            self._note(self._open[-1], text.strip())

    def _note(self, path: str, value: str) -> None:
        if len(self.values) < MOST_VALUES:
            self.values[short(path, LONGEST_VALUE)] = short(value, LONGEST_VALUE)

    def _refuse(self, *_: object) -> None:
        raise UnreadableError("XML with a document type, which is not read")


def argus_event(text: str) -> tuple[str, str] | None:
    """Return the program and the inner text of an `<ArgusEvent>`, None for anything else; raises UnreadableError.

    Its scripts put the output of a program, as it is, into `<ArgusEventData Type = "Program: ..." >`.
    """
    if not text.lstrip()[:200].startswith(("<ArgusEvent", "<?xml")) or "<ArgusEvent" not in text[:400]:
        return None
    found = re.search(
        r'<ArgusEventData[^>]{0,400}?Type\s*=\s*"([^"]{0,400})"[^>]{0,400}?>(.*)</ArgusEventData>', text, re.DOTALL
    )
    if found is None:
        raise UnreadableError("an ArgusEvent without ArgusEventData")
    inner = re.sub(r"<!\[CDATA\[|\]\]>", "", found[2])
    for name, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        inner = inner.replace(name, character)
    return found[1].removeprefix("Program:").strip(), inner.strip("\n") + "\n"
