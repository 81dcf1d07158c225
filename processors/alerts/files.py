"""Rules out of YAML files; every error names the file, the line and the key."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml
from pydantic import ValidationError

from processors.access_lists import policy_filter
from processors.alerts.settings import Rule, RuleFile, Silence
from topics import filter as filters
from topics.errors import FilterError, SettingsError
from topics.nearest import suggestion

if TYPE_CHECKING:
    from collections.abc import Sequence

SUFFIXES = {".yaml", ".yml"}
MOST_BYTES = 4 << 20
MOST_FILES = 1000


class Rules(NamedTuple):
    """The rules and silences of some files, and where each rule stands (file and line)."""

    rules: tuple[Rule, ...]
    silences: tuple[Silence, ...]
    places: dict[str, str]


def read_rules(names: Sequence[str]) -> Rules:
    """Return the rules in files, and below directories; raises SettingsError naming file, line and key."""
    rules: list[Rule] = []
    silences: list[Silence] = []
    places: dict[str, str] = {}
    for path in [path for name in names for path in _files(name)]:
        read, lines = _read(path)
        silences += read.silences
        for number, rule in enumerate(read.rules):
            place = f"{path}: line {lines.get(('rules', number), 1)}"
            if rule.name in places:
                raise SettingsError(f"{place}: there is another rule '{rule.name}', in {places[rule.name]}")
            places[rule.name] = place
            rules.append(_beside(rule, path, place))
    return Rules(tuple(rules), tuple(silences), places)


def _beside(rule: Rule, path: Path, place: str) -> Rule:
    """Return the rule with its policy looked for beside the file, and looked at once."""
    if not rule.policy:
        return rule
    found = str(path.parent / rule.policy)
    text = policy_filter(found, rule.match)
    try:
        filters.condition(text)
    except FilterError as error:
        raise SettingsError(f"{place}: policy {found}: {str(error).removeprefix('filter: ')}") from None
    return rule.model_copy(update={"policy": found})


def _files(name: str) -> list[Path]:
    path = Path(name)
    if not path.is_dir():
        return [path]
    found = sorted(each for each in path.rglob("*") if each.suffix in SUFFIXES and not each.name.startswith("."))
    if not found:
        raise SettingsError(f"{name}: holds no files of rules ({', '.join(sorted(SUFFIXES))})")
    if len(found) > MOST_FILES:
        raise SettingsError(f"{name}: holds {len(found)} files, more than {MOST_FILES}")
    return found


def _read(path: Path) -> tuple[RuleFile, dict[tuple[str | int, ...], int]]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise SettingsError(f"{path}: larger than {MOST_BYTES >> 20} MB")
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        said: Any = yaml.safe_load(text)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: no UTF-8 at byte {error.start}") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}:" if mark else ""
        raise SettingsError(f"{path}:{line} no YAML: {getattr(error, 'problem', None) or error}") from None
    lines = _lines(node)
    if not isinstance(said, dict):
        raise SettingsError(f"{path}: line 1: should have the keys rules and silences")
    try:
        return RuleFile.model_validate(said), lines
    except ValidationError as error:
        raise _refusal(path, error, lines, said) from None


def _refusal(
    path: Path,
    error: ValidationError,
    lines: dict[tuple[str | int, ...], int],
    said: Any,  # noqa: ANN401 - a file
) -> SettingsError:
    first = error.errors()[0]
    place = tuple(first["loc"])
    context = first.get("ctx") or {}
    if first["type"] == "rule":
        place = (*place, *context["key"].split("."))
    line = next(lines[place[:end]] for end in range(len(place), -1, -1) if place[:end] in lines)
    reason = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        reason = f"no such key{suggestion(str(place[-1]), _known(place))}"
    reason = reason[:1].lower() + reason[1:]
    return SettingsError(f"{path}: line {line}: {_shown(place, said)}: {reason}")


def _known(place: tuple[str | int, ...]) -> list[str]:
    """Return the keys that there are where one was not known."""
    model: Any = RuleFile
    for word in place[:-1]:
        if isinstance(word, str):
            model = {"rules": Rule, "silences": Silence}.get(word) or _model_of(model, word)
    return list(getattr(model, "model_fields", {}))


def _model_of(model: Any, word: str) -> Any:  # noqa: ANN401 - a class of settings
    annotation = getattr(model, "model_fields", {})[word].annotation if model else None
    return next((each for each in getattr(annotation, "__args__", ()) if hasattr(each, "model_fields")), annotation)


def _shown(place: tuple[str | int, ...], said: Any) -> str:  # noqa: ANN401 - a file
    """Return a key as people look for it: by the name of its rule."""
    words = list(place)
    if len(words) > 1 and words[0] == "rules" and isinstance(words[1], int):
        rule = said["rules"][words[1]]
        name = rule.get("name") if isinstance(rule, dict) else None
        words[:2] = [f"rule '{name}'" if isinstance(name, str) else f"rule {words[1] + 1}"]
        return f"{words[0]}: {'.'.join(map(str, words[1:]))}" if len(words) > 1 else str(words[0])
    return ".".join(map(str, words))


def _lines(node: Any, place: tuple[str | int, ...] = ()) -> dict[tuple[str | int, ...], int]:  # noqa: ANN401 - yaml's nodes
    """Return the line of everything in a document, by its place."""
    if node is None:
        return {(): 1}
    lines = {place: node.start_mark.line + 1}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*place, key.value)
            lines |= _lines(value, inner) | {inner: key.start_mark.line + 1}
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            lines |= _lines(value, (*place, number))
    return lines
