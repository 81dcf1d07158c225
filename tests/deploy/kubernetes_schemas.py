"""What Kubernetes says of its objects: the JSON schemas that the package kubernetes-validate carries, read once."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

STRICT = "kubernetes-json-schema/v{}.0-local-strict"


def check(found: dict[str, Any], version: str) -> None:
    """Raise jsonschema's ValidationError for an object that this version would refuse, or warn of fields in."""
    group = found["apiVersion"].partition("/")
    name, _, _ = group[0].partition(".")
    _validator(found["kind"].lower(), f"{name}-{group[2]}" if group[2] else name, version).validate(found)


@cache
def _validator(kind: str, group: str, version: str) -> Draft202012Validator:
    schema = _read(version, f"{kind}-{group}.json")
    return Draft202012Validator(schema, registry=_definitions(version))


@cache
def _definitions(version: str) -> Registry[Any]:
    definitions = Resource.from_contents(_read(version, "_definitions.json"))
    uri = str(definitions.contents["$id"]) if "$id" in definitions.contents else "_definitions.json"
    registry: Registry[Any] = Registry()
    known: Registry[Any] = registry.with_resource(uri, definitions).crawl()
    return known


def _read(version: str, name: str) -> Any:
    return json.loads(files("kubernetes_validate").joinpath(STRICT.format(version), name).read_text())
