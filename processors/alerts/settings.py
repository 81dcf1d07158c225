"""What a rule may say. Times are seconds, or texts as 30s, 5m, 1h, 7d."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from processors.alerts.streams import DEFAULT_BY, check_field, check_filter, refusal
from processors.alerts.wording import FACTS, PLACE
from topics.nearest import suggestion

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_TIME = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)([smhdw]?)")
MOST_TIME = 366 * 86_400
MOST_RULES = 1000
CONDITIONS = (
    "threshold", "rate", "absence", "new", "ratio", "baseline", "sequence", "changed", "beacon", "lasting", "grows",
)  # fmt: skip


def seconds(value: Any) -> Any:  # noqa: ANN401 - whatever a file says
    """Return a time as `30s`, `5m` or `7d` in seconds; raises ValueError."""
    if not isinstance(value, str):
        return value
    found = _TIME.fullmatch(value.strip())
    if found is None:
        raise ValueError("should be a time as 30s, 5m, 1h or 7d")
    return float(found[1]) * UNITS[found[2] or "s"]


def moment(value: Any) -> Any:  # noqa: ANN401 - whatever a file says
    """Return a time of ISO 8601 as ns since the epoch; UTC where it does not say; raises ValueError."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError("should be a time as 2026-03-10T09:00:00Z") from None
    if isinstance(value, datetime):
        from datetime import UTC

        return int((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()) * 1_000_000_000
    return value


def _listed(value: Any) -> Any:  # noqa: ANN401 - whatever a file says
    return [value] if isinstance(value, str) else value


Seconds = Annotated[float, BeforeValidator(seconds), Field(gt=0, le=MOST_TIME)]
Moment = Annotated[int, BeforeValidator(moment)]
Count = Annotated[float, Field(ge=0, le=1e15)]
Severity = Literal["info", "low", "medium", "high", "critical"]


class Said(BaseModel):
    """Anything in a file of rules: keys that are not known are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _Measured(Said):
    """What is added up: records, a field, or how many values a field has."""

    sum: str = Field(default="", description="field that is added up")
    distinct: str = Field(default="", description="field whose values are counted")

    @model_validator(mode="after")
    def _one(self) -> _Measured:
        if self.sum and self.distinct:
            raise ValueError("takes sum or distinct, not both")
        return self


class Threshold(_Measured):
    """More than `over` within a window; without sum and distinct records are counted."""

    over: Count = Field(description="more than this")
    within: Seconds = Field(description="window")
    except_heard: Annotated[float, BeforeValidator(seconds), Field(ge=0, le=MOST_TIME)] = Field(
        default=0, description="leave out addresses that sent something in this time"
    )


class Rate(Said):
    """More than `above` a second, on average over a window."""

    sum: str = Field(default="", description="field that is added up; else records")
    above: Count = Field(description="more than this a second")
    within: Seconds = Field(description="window")


class Absence(Said):
    """Nothing for so long from a subject that was there."""

    after: Seconds = Field(description="so long nothing")


class New(Said):
    """Never seen in the time before; nothing is raised while the rule learns."""

    within: Seconds = Field(default=7 * 86_400.0, description="not seen in this time")
    learn: Annotated[float, BeforeValidator(seconds), Field(ge=0, le=MOST_TIME)] = Field(
        default=86_400.0, description="nothing is raised for so long"
    )


class Ratio(Said):
    """The sum of one field is more than `above` times that of another, and at least `at_least`."""

    of: str = Field(description="field above the line")
    to: str = Field(description="field below it")
    above: Count = Field(description="more than so many times")
    at_least: Count = Field(default=0, description="and at least so much")
    within: Seconds = Field(description="window")


class Baseline(_Measured):
    """More than so many standard deviations above what was usual, once so many periods are known."""

    every: Seconds = Field(description="length of a period")
    above: Annotated[float, Field(gt=0, le=1000)] = Field(default=4.0, description="standard deviations")
    at_least: Count = Field(default=0, description="and at least so much")
    learn: Annotated[int, Field(ge=2, le=10_000)] = Field(default=12, description="periods to learn from")


class Sequence(Said):
    """Records of `match`, and those of another filter after them."""

    then: str = Field(description="filter of what comes after")
    within: Seconds = Field(description="how long after")


class Changed(Said):
    """A field has another value than the last time."""

    of: str = Field(description="the field")
    within: Seconds = Field(default=7 * 86_400.0, description="how long its value is remembered")


class Beacon(Said):
    """Connections begin at even intervals: so many, whose spread is at most this part of the mean."""

    times: Annotated[int, Field(ge=4, le=1000)] = Field(default=10, description="connections at least")
    spread: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.1, description="of their intervals, as part of the mean"
    )
    least: Seconds = Field(default=5.0, description="shortest interval")
    most: Seconds = Field(default=3600.0, description="longest interval")


class Lasting(Said):
    """A flow has lasted for so long."""

    over: Seconds = Field(description="how long")


class Grows(Said):
    """A counter has grown by more than `by` since it was told last."""

    of: str = Field(description="the counter")
    by: Count = Field(default=0, description="more than this")


class Rule(Said):
    """One rule: which records (`about`, `match`), grouped by what, and at most one condition; none: every record."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")] = Field(description="letters, digits and `_.-`")
    summary: Annotated[str, Field(max_length=500)] = Field(
        default="", description="one line about a finding; {FIELD}, {value}, {count}, ... stand for facts"
    )
    explain: Annotated[str, Field(max_length=10_000)] = Field(
        default="", description="what it means, and what else looks like it"
    )
    severity: Severity = Field(default="medium", description="how bad")
    enabled: bool = Field(default=True, description="whether it is looked for")
    about: Literal["records", "dns", "probes", "spans", "names"] = Field(
        default="records", description="what it looks at"
    )
    match: Annotated[str, Field(max_length=20_000)] = Field(
        default="", description="which records, in the language of `argosy ra`"
    )
    policy: str = Field(default="", description="file of an access list: what it denies")
    show: str = Field(default="", description="field for the note of a rule without condition")
    by: Annotated[tuple[str, ...], BeforeValidator(_listed), Field(max_length=8)] | None = Field(
        default=None, description="fields that say whom it is about"
    )
    threshold: Threshold | None = None
    rate: Rate | None = None
    absence: Absence | None = None
    new: New | None = None
    ratio: Ratio | None = None
    baseline: Baseline | None = None
    sequence: Sequence | None = None
    changed: Changed | None = None
    beacon: Beacon | None = None
    lasting: Lasting | None = None
    grows: Grows | None = None
    quiet: Seconds = Field(default=600.0, description="resolved, and armed again, after so long without")
    repeat: Annotated[float, BeforeValidator(seconds), Field(ge=0, le=MOST_TIME)] = Field(
        default=0, description="told again while it goes on; 0: never"
    )
    keys: Annotated[int, Field(ge=1, le=10_000_000)] = Field(
        default=100_000, description="subjects that are remembered"
    )
    tags: dict[str, str] = Field(
        default_factory=dict, max_length=32, description="words of your own for channels and readers"
    )

    @property
    def kind(self) -> str:
        """The name of the condition, `match` without any."""
        return next((name for name in CONDITIONS if getattr(self, name) is not None), "match")

    @property
    def fields(self) -> tuple[str, ...]:
        """What the rule groups by."""
        return DEFAULT_BY[self.about] if self.by is None else self.by

    @property
    def measured(self) -> tuple[str, str]:
        """The field whose values are counted as distinct, and that which is added up; empty for none."""
        said = getattr(self, self.kind, None)
        if self.kind in {"match", "lasting"}:
            return self.show, ""
        if isinstance(said, Changed | Grows):
            return (said.of, "") if isinstance(said, Changed) else ("", said.of)
        return getattr(said, "distinct", ""), getattr(said, "sum", "")

    @model_validator(mode="after")
    def _whole(self) -> Rule:
        given = [name for name in CONDITIONS if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"has several conditions, {' and '.join(given)}; a rule takes one")
        if self.show and self.kind not in {"match", "lasting"}:
            raise ValueError(f"{self.kind} shows what it measures; show is for rules without a condition")
        if self.policy and self.about != "records":
            raise ValueError("policy is about records")
        if self.about != "records" and (self.beacon or self.lasting):
            raise ValueError(f"{self.kind} is about records")
        if self.threshold and self.threshold.except_heard and not self.threshold.distinct:
            raise ValueError("threshold.except_heard takes distinct")
        return self


def _filters(rule: Rule) -> Rule:
    """Check what names fields and filters, where the error can name the key."""
    for key, text in (("match", rule.match), ("sequence.then", rule.sequence.then if rule.sequence else "")):
        check_filter(key, text, rule.about)
    for field in rule.fields:
        check_field("by", field, rule.about)
    for field in rule.measured:
        check_field(rule.kind, field, rule.about)
    if rule.ratio is not None:
        check_field("ratio.of", rule.ratio.of, rule.about)
        check_field("ratio.to", rule.ratio.to, rule.about)
    _check_summary(rule)
    return rule


def _check_summary(rule: Rule) -> None:
    """Refuse words in braces that an alert of the rule could not tell."""
    told = (*rule.fields, *FACTS)
    for word in PLACE.findall(rule.summary):
        if word not in told:
            raise refusal("summary", f"'{word}' is none of {', '.join(told)}{suggestion(word, told)}")


CheckedRule = Annotated[Rule, AfterValidator(_filters)]


class Silence(Said):
    """No alerts of these rules and subjects in this time; without `rule` of all, without `subject` about anybody.

    `subject` gives fields and regular expressions. `hours` is a span of UTC each day, 22:00-06:00 for instance.
    """

    rule: str = Field(default="", description="which rules, a regular expression")
    subject: dict[str, str] = Field(default_factory=dict, description="which subjects: regular expressions by field")
    since: Moment = Field(default=0, description="from when, ISO 8601")
    until: Moment = Field(default=2**63 - 1, description="to when")
    hours: Annotated[str, Field(pattern=r"^(\d\d:\d\d-\d\d:\d\d)?$")] = Field(
        default="", description="of each day, UTC: 22:00-06:00"
    )
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = Field(
        default=(), description="of the week"
    )
    why: str = Field(default="", description="for who reads the file")

    @model_validator(mode="after")
    def _patterns(self) -> Silence:
        for pattern in (self.rule, *self.subject.values()):
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"'{pattern[:60]}' is no regular expression: {error}") from None
        return self


class RuleFile(Said):
    """A file: rules, and silences."""

    rules: Annotated[tuple[CheckedRule, ...], Field(max_length=MOST_RULES)] = Field(default=(), description="the rules")
    silences: Annotated[tuple[Silence, ...], Field(max_length=MOST_RULES)] = Field(
        default=(), description="what is not told"
    )
