"""Which outputs of files there are: from a YAML file, each with its filter, format, names and cuts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from sinks.files.cutting import DAY, ROTATE, Cutting
from sinks.files.sink import FORMATS, GRACE, MOST_OPEN, PATTERN, name_pattern
from sinks.formats.names import SCHEME
from topics.errors import FilterError, SettingsError, UsageError
from topics.nearest import suggestion

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

MOST_OUTPUTS = 100
TIMES = {"s": 1, "m": 60, "h": 3600, "d": DAY, "w": 7 * DAY}
SIZES = {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
DAILY = "%Y-%m-%d/flows"
PLAINER = {"extra_forbidden": "is unknown", "missing": "is missing", "too_short": "should not be empty"}


def in_seconds(value: Any) -> Any:  # noqa: ANN401 - whatever a file says
    """Return a time as 300, 90s, 5m, 1h, 1d or 2w in seconds; raises ValueError."""
    return _amount(value, TIMES, "a time as 300, 90s, 5m, 1h, 1d or 2w")


def in_bytes(value: Any) -> Any:  # noqa: ANN401 - whatever a file says
    """Return a size as 5000, 10k, 500M or 2G in bytes; raises ValueError."""
    return _amount(value, SIZES, "a size as 5000, 10k, 500M, 2G or 1T")


def _amount(value: Any, units: dict[str, int], what: str) -> Any:  # noqa: ANN401 - whatever a file says
    found = re.fullmatch(rf"(\d{{1,15}}(?:\.\d{{1,9}})?)([{''.join(units)}]?)", str(value).strip())
    if found is None:
        raise ValueError(f"should be {what}, not '{str(value)[:40]}'")
    amount = float(found[1]) * units.get(found[2], 1)
    return round(amount)


def _words(value: Any) -> Any:  # noqa: ANN401 - whatever a file says
    return [value] if isinstance(value, str) else value


class Output(BaseModel):
    """One output: where, which records, under which names, in which format, and when a file ends.

    `until` is a filter: a record that it selects is the last of its file. Without `time`, files that end by count, size
    or `until` have a day each, else five minutes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    directory: str = Field(min_length=1, description="where files go, relative to this file, or s3://BUCKET/PREFIX")
    name: str = Field(default="", description="strftime by the start of a file's span, and $FIELD")
    format: Literal["parquet", "avro", "jsonl", "csv", ""] = Field(
        default="", description="of the files; else by the end of `name`, else parquet"
    )
    layout: Literal["whole", "lean"] = Field(
        default="whole", description="of Parquet: lean leaves out what an ordinary record of Argus has not either"
    )
    filter: str = Field(default="", description="only these flows")
    time: Annotated[int, BeforeValidator(in_seconds), Field(ge=1, le=366 * DAY)] | None = Field(
        default=None, description="span of a file: seconds, or 5m, 1h, 1d"
    )
    count: int = Field(default=0, ge=0, description="flows after which a file ends")
    size: Annotated[int, BeforeValidator(in_bytes), Field(ge=0)] = Field(
        default=0, description="bytes after which a file ends: 500M"
    )
    until: str = Field(default="", description="a filter: a flow that it selects is the last of its file")
    grace: Annotated[int, BeforeValidator(in_seconds), Field(le=366 * DAY)] = Field(
        default=GRACE, description="how long after its span a file waits for late flows"
    )
    open_files: int = Field(default=MOST_OPEN, ge=1, le=10_000, description="files open at a time")
    program: Annotated[tuple[str, ...], BeforeValidator(_words)] = Field(
        default=(), description="run on each closed file"
    )

    @field_validator("filter", "until")
    @classmethod
    def _understood(cls, text: str) -> str:
        from topics import filter as filters

        try:
            filters.parse(text)
        except FilterError as error:
            raise ValueError(str(error)) from None
        return text

    @model_validator(mode="after")
    def _one_format(self) -> Output:
        ending = next((kind.removeprefix(".") for kind in FORMATS if self.name.endswith(kind)), "")
        if ending and self.format and ending != self.format:
            raise ValueError(f"name: ends in .{ending}, but the format is {self.format}")
        if self.layout == "lean" and (self.format or ending or "parquet") != "parquet":
            raise ValueError("layout: only Parquet can be lean")
        try:
            name_pattern(self.pattern, self.cutting)
        except UsageError as error:
            raise ValueError(f"name: {error}") from None
        return self

    @model_validator(mode="after")
    def _without_path(self) -> Output:
        if self.in_bucket and self.program:
            raise ValueError("program: gets a path, which a file in a bucket has not")
        return self

    @property
    def in_bucket(self) -> bool:
        """Whether files go to an object store."""
        return self.directory.startswith(SCHEME)

    @property
    def cutting(self) -> Cutting:
        """When files end."""
        other = self.count or self.size or self.until
        return Cutting(self.time or (DAY if other else ROTATE), self.count, self.size, self.until)

    @property
    def pattern(self) -> str:
        """What names of files are made of, the suffix of their format included."""
        name = self.name or (DAILY if self.cutting.seconds == DAY else PATTERN)
        return f"{name}.{self.format}" if self.format and not name.endswith(f".{self.format}") else name


class FileSettings(BaseModel):
    """What a settings file says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    outputs: tuple[Output, ...] = Field(
        min_length=1, max_length=MOST_OUTPUTS, description="the outputs, each with files of its own"
    )


def read_outputs(path: str) -> tuple[Output, ...]:
    """Return the outputs a file lists, directories relative to it; raises SettingsError naming the file and the key."""
    values = _yaml(path)
    try:
        outputs = FileSettings.model_validate(values).outputs
    except ValidationError as error:
        raise SettingsError(f"{path}: {_plain(_telling(error))}") from None
    base = Path(path).parent
    placed = (each.directory if each.in_bucket else str(base / each.directory) for each in outputs)
    return tuple(each.model_copy(update={"directory": place}) for each, place in zip(outputs, placed, strict=True))


def output(**values: Any) -> Output:  # noqa: ANN401 - whatever the command line says
    """Return an output of these values; raises SettingsError naming the key."""
    try:
        return Output.model_validate(values)
    except ValidationError as error:
        raise SettingsError(_plain(_telling(error))) from None


def _yaml(path: str) -> Any:  # noqa: ANN401 - whatever a file says
    try:
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {getattr(error, 'strerror', None) or 'no text in UTF-8'}") from None
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
        raise SettingsError(f"{path}: line {line}: no YAML ({getattr(error, 'problem', 'unreadable')})") from None
    if not isinstance(values, dict):
        raise SettingsError(f"{path}: keys and values are wanted, 'outputs:' first")
    return values


def _telling(error: ValidationError) -> ErrorDetails:
    """Return the error that says most: a word that is not known is why another one is missing."""
    errors = error.errors()
    return next((each for each in errors if each["type"] == "extra_forbidden"), errors[0])


def _plain(error: ErrorDetails) -> str:
    """Return what is wrong in one line: `outputs.0.fromat is unknown; did you mean 'format'?`."""
    key = ".".join(str(part) for part in error["loc"])
    text = PLAINER.get(error["type"], error["msg"].removeprefix("Value error, ").replace("Input s", "s"))
    last = str(error["loc"][-1]) if error["loc"] else ""
    known = FileSettings.model_fields if len(error["loc"]) == 1 else Output.model_fields
    near = suggestion(last, known) if error["type"] == "extra_forbidden" else ""
    return f"{key} {text}{near}".strip()
