"""What all nodes of a filter's tree have in common: they say something, and never anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NoReturn, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass_transform(frozen_default=True)
class Condition:
    """Of a node, the annotations say what it is made with; those of one kind that say the same are equal.

    As `dataclass(frozen=True)` has it, which writes code for each class: 15 ms of a start for all of them.
    """

    __match_args__: ClassVar[tuple[str, ...]] = ()
    _hidden: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, hidden: tuple[str, ...] = ()) -> None:
        """Make a kind of node; what is `hidden` is too long to be shown."""
        cls.__match_args__ = tuple(cls.__annotations__)  # type: ignore[misc]  # mypy takes it for made already
        cls._hidden = hidden

    def __init__(self, *values: object, **named: object) -> None:
        said = dict(zip(self.__match_args__, values, strict=False)) | named
        for name in self.__match_args__:
            if name not in said:
                said[name] = getattr(type(self), name)  # what it is where nothing is said; AttributeError without one
        if len(said) != len(self.__match_args__) or len(values) > len(said):
            raise TypeError(f"{type(self).__name__} is made of {', '.join(self.__match_args__)}")
        self.__dict__.update(said)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} never changes")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *map(self.__dict__.get, self.__match_args__)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.facts())})"

    def facts(self) -> Iterator[tuple[str, object]]:
        """Yield the names and values of what it says, without what is hidden."""
        yield from ((name, getattr(self, name)) for name in self.__match_args__ if name not in self._hidden)
