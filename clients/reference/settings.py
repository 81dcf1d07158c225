"""Every setting of every settings file, read from the models that check them."""

from __future__ import annotations

import re
import types
import typing
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Union

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from clients.reference.markdown import code, plain, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

INTRODUCTION = """\
# Settings

All settings files are YAML. A key that is not known, or a value that does not fit, ends the program with one line
that names the file and the key. Defaults are those of a file that does not name the key. Where a table says *see
below*, the value has keys of its own.
"""
VARIABLES = """\
## Environment

| variable | meaning |
|---|---|
| `ARGOSY_BUS` | the bus, `kafka://HOST:PORT[,HOST:PORT]`, where `--bus` is not given |
| `ARGOSY_BUS_SETTINGS` | a YAML file whose block `bus:` says how to speak to Kafka ([below](#the-bus)) |
| `ARGOSY_BUS_KEY` | any key of that block, in capitals: `ARGOSY_BUS_TLS`, `ARGOSY_BUS_PASSWORD_FILE` |
| `ARGOSY_PROBE_KEY` | any key of [the probe](#the-probe), in capitals: `ARGOSY_PROBE_STATUS_INTERVAL` |
| `ARGOSY_DEBUG` | 1: show where an internal error happened |
| `NUMBA_CACHE_DIR` | where compiled kernels are kept, instead of the user's cache directory |
| `PGPASSWORD` | password of PostgreSQL, as of every client of it |
"""
CONSTRAINTS = {Ge: "from {0.ge}", Gt: "above {0.gt}", Le: "to {0.le}", Lt: "below {0.lt}"}
PLAIN = {
    bool: "true or false", int: "whole number", float: "number", str: "text", "Path": "file", "SecretStr": "secret",
}  # fmt: skip


class Part(NamedTuple):
    """A settings file: its heading, who reads it, and the model of what it may say."""

    title: str
    text: str
    model: type[BaseModel]


def parts() -> tuple[Part, ...]:
    """Return every settings file there is."""
    from probes.settings import Settings
    from processors.alerts.settings import RuleFile
    from processors.labels.settings import LabelSettings
    from sinks.alerts.settings import Channels
    from sinks.files.settings import FileSettings
    from topics.bus.security import Security

    return (
        Part(
            "The probe",
            "`argosy probe -F FILE`, else `/etc/argosy/probe.yaml`. Options go before variables, variables before the "
            "file. [The probe](probe.md#settings) has the options beside the keys.",
            Settings,
        ),
        Part(
            "The bus",
            "How every program speaks to Kafka: below `bus:` in the file that `ARGOSY_BUS_SETTINGS` names, or in "
            "variables. [Security of the bus](../guides/security.md) has an example.",
            Security,
        ),
        Part("Labels", "`argosy ralabel -f FILE`, `--labels FILE`: [labels](../guides/labels.md).", LabelSettings),
        Part("Files of a sink", "`argosy sink files -f FILE`: [archive](../guides/archive.md).", FileSettings),
        Part("Rules of alerts", "`argosy alerts run --rules FILE`: [alerts](../guides/alerts.md#rules).", RuleFile),
        Part(
            "Channels of alerts",
            "`argosy sink alerts --channels FILE`: [alerts](../guides/alerts.md#delivery).",
            Channels,
        ),
    )


def page() -> str:
    """Return the page of all settings."""
    written = [INTRODUCTION, VARIABLES]
    for part in parts():
        written += [f"## {part.title}", part.text]
        for heading, model in _models(part.model):
            written += [f"### {part.title}: {heading}", plain(_told(model))] if heading else []
            written.append(table(["key", "value", "default", "meaning"], _rows(model)))
    return "\n\n".join(written) + "\n"


def _models(model: type[BaseModel], heading: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield a model under its place in the file, and then those of its keys that have keys of their own."""
    yield heading, model
    for name, field in model.model_fields.items():
        for inner in _inner(field.annotation):
            yield from _models(inner, f"{heading}.{name}" if heading else name)


def _inner(annotation: Any) -> list[type[BaseModel]]:  # noqa: ANN401 - an annotation may be anything
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for each in typing.get_args(annotation) for found in _inner(each)]


def _told(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip()


def _rows(model: type[BaseModel]) -> Iterator[list[str]]:
    for name, field in model.model_fields.items():
        inner = _inner(field.annotation)
        meaning = field.description or (_told(inner[0]).partition("\n\n")[0] if inner else "")
        value = " ".join(filter(None, [_shape(field.annotation), _bounds(field)]))
        yield [code(field.alias or name), plain(value), code(_default(field)), plain(meaning)]


def _shape(annotation: Any) -> str:  # noqa: ANN401 - as above
    """Return what may be written, in words."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _shape(arguments[0])
    if origin is Literal:
        return ", ".join(f"`{each}`" for each in arguments)
    if origin in {Union, types.UnionType}:
        return " or ".join(_shape(each) for each in arguments if each is not type(None))
    if origin in {tuple, list}:
        return f"list of {_shape(arguments[0])}"
    if origin is dict:
        return f"{_shape(arguments[1])} by name"
    if _inner(annotation):
        return "see below"
    return PLAIN.get(annotation) or PLAIN[annotation.__name__]


def _bounds(field: FieldInfo) -> str:
    """Return between what a number has to be, and how much of a text or list there may be."""
    found = [text.format(each) for each in field.metadata for kind, text in CONSTRAINTS.items() if type(each) is kind]
    found += [f"(at most {each.max_length})" for each in field.metadata if isinstance(each, MaxLen)]
    found += ["(not empty)" for each in field.metadata if isinstance(each, MinLen)]
    return " ".join(found)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default is PydanticUndefined:
        return ""
    value = field.default
    if value is None or value in ("", ()) or isinstance(value, BaseModel):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return re.sub(r"\.0$", "", str(value))
