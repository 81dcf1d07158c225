"""Options as Argus's clients take them: clustered letters, options of several words, a filter after a lone `-`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from topics.errors import UsageError
from topics.nearest import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MANY = "..."
HELP_COLUMN = 26
EXAMPLES_HEADING = "examples, after `make run`"


class Option(NamedTuple):
    """One option: its spellings (`"-r"`, `"-h --help"`, `"--bus"`), the name of its argument and what it does.

    Without an argument it is a switch that counts how often it was given. An argument `FILE` is one word, whatever it
    starts with; `FILE...` is one such word and all that follow up to the next that starts with `-`.
    """

    names: str
    argument: str = ""
    text: str = ""

    @property
    def spellings(self) -> list[str]:
        """Every way to write the option."""
        return self.names.split()

    @property
    def many(self) -> bool:
        """Whether it takes all words up to the next option."""
        return self.argument.endswith(MANY)


class Parsed:
    """What a command line said: options by their first spelling, and the words that belong to none.

    `given` has all words of an option, `groups` the same words by each time it was written.
    """

    def __init__(self) -> None:
        self.given: dict[str, list[str]] = {}
        self.groups: dict[str, list[list[str]]] = {}
        self.rest: list[str] = []

    def count(self, name: str) -> int:
        """Return how often a switch was given, or how many words an option got."""
        return len(self.given.get(name, ()))

    def words(self, name: str) -> list[str]:
        """Return all words given to an option, in order."""
        return self.given.get(name, [])

    def word(self, name: str, default: str | None = None) -> str | None:
        """Return the last word given to an option."""
        return self.given[name][-1] if name in self.given else default

    def number(self, name: str, default: int, minimum: int | None = None) -> int:
        """Return the last word given to an option, as an integer not below `minimum`; raises UsageError."""
        text = self.word(name)
        if text is None:
            return default
        try:
            value = int(text)
        except ValueError:
            raise UsageError(f"option {name} takes a whole number, not '{text}'") from None
        if minimum is not None and value < minimum:
            raise UsageError(f"option {name} takes a number from {minimum} up, not {value}")
        return value

    @property
    def expression(self) -> str:
        """The words that belong to no option, as one text: the filter."""
        return " ".join(self.rest)


def parse(options: Iterable[Option], arguments: Sequence[str]) -> Parsed:
    """Read a command line; raises UsageError naming an unknown option or one whose argument is missing.

    Words outside options are collected in `rest`; after a lone `-` or `--` every word is one.
    """
    known = {spelling: option for option in options for spelling in option.spellings}
    parsed, words = Parsed(), list(arguments)
    position = 0
    while position < len(words):
        word = words[position]
        position += 1
        if word in {"-", "--"}:
            parsed.rest += words[position:]
            break
        if word.startswith("--"):
            position = _long(known, parsed, word, words, position)
        elif word.startswith("-"):
            position = _cluster(known, parsed, word, words, position)
        else:
            parsed.rest.append(word)
    return parsed


def _long(known: dict[str, Option], parsed: Parsed, word: str, words: list[str], position: int) -> int:
    name, equals, value = word.partition("=")
    if name not in known:
        raise UsageError(f"unknown option {name}{suggestion(name, known)}")
    option = known[name]
    if not option.argument and equals:
        raise UsageError(f"option {name} takes no argument")
    return _take(option, name, parsed, value if equals else None, words, position)


def _cluster(known: dict[str, Option], parsed: Parsed, word: str, words: list[str], position: int) -> int:
    for index, letter in enumerate(word[1:], start=2):
        name = f"-{letter}"
        if name not in known:
            raise UsageError(_unknown_letter(name, word, known))
        if known[name].argument:
            return _take(known[name], name, parsed, word[index:] or None, words, position)
        _take(known[name], name, parsed, None, words, position)
    return position


def _unknown_letter(name: str, word: str, known: dict[str, Option]) -> str:
    where = f" in '{word}'" if len(word) > len(name) else ""
    other = name.swapcase()
    if f"-{word}" in known:
        return f"unknown option {word}; did you mean '-{word}'?"
    return f"unknown option {name}{where}" + (f"; did you mean '{other}'?" if other in known else "")


def _take(option: Option, name: str, parsed: Parsed, value: str | None, words: list[str], position: int) -> int:
    """Note an option and its argument: `value` when it was written in the same word, else the next words."""
    taken = [""]
    parsed.groups.setdefault(option.spellings[0], []).append(taken)
    position = _fill(option, name, taken, value, words, position) if option.argument else position
    parsed.given.setdefault(option.spellings[0], []).extend(taken)
    return position


def _fill(option: Option, name: str, taken: list[str], value: str | None, words: list[str], position: int) -> int:
    if value is None:
        if position >= len(words):
            raise UsageError(f"option {name} needs an argument: {option.argument}")
        value = words[position]
        position += 1
    taken[0] = value
    while option.many and position < len(words) and not words[position].startswith("-"):
        taken.append(words[position])
        position += 1
    return position


def parse_or_help(usage: str, summary: str, options: Iterable[Option], arguments: Sequence[str]) -> Parsed | None:
    """Return the options of a command as `parse` does; None when its help was asked for, which is printed then."""
    parsed = parse(options, arguments)
    if not parsed.count("-h"):
        return parsed
    print(help_text(usage, summary, options))
    return None


def help_text(usage: str, summary: str, options: Iterable[Option]) -> str:
    """Return the help of a command: how to call it, what it does, one entry an option."""
    return help_in_parts(usage, summary, {"options": options})


def help_in_parts(usage: str, summary: str, parts: Mapping[str, Iterable[Option]]) -> str:
    """Return the help of a command whose options stand under several headings; its examples come last."""
    from clients.manual.examples import of

    lines = [f"usage: {usage}", "", summary]
    for heading, options in parts.items():
        lines += ["", f"{heading}:", *(_entry(option) for option in options)]
    examples = of(usage)
    if examples:
        lines += ["", f"{EXAMPLES_HEADING}:"]
    for example in examples:
        lines += [f"  {example.line}", " " * HELP_COLUMN + example.text]
    return "\n".join(lines)


def _entry(option: Option) -> str:
    head = "  " + ", ".join(option.spellings) + (f" {option.argument}" if option.argument else "")
    lines = option.text.split("\n")
    margin = "\n" + " " * HELP_COLUMN
    gap = margin if len(head) > HELP_COLUMN - 2 else " " * (HELP_COLUMN - len(head))
    return head + gap + margin.join(lines)
