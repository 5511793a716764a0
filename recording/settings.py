"""Settings of recording (section ``recording``)."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ccplatform.contracts.words import AgentId, Direction, QueueId, RecordingMode
from recording.errors import RetentionTooShort
from recording.model import LEAST_RETENTION_DAYS, Policy, Rule, TimeWindow
from recording.stores.settings import StoreSettings

_Name = Annotated[str, Field(min_length=1, max_length=64)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WindowSettings(_Section):
    """A time of the week in which a scheduled rule records."""

    days: tuple[Annotated[int, Field(ge=1, le=7)], ...] = Field(
        (1, 2, 3, 4, 5, 6, 7), min_length=1, max_length=7, description="ISO weekdays, 1 is Monday."
    )
    start: time = Field(time(0, 0), description="Local time of day; equal to `end`: the whole day.")
    end: time = Field(time(0, 0), description="Local time of day, not included; before `start`: past midnight.")

    @field_validator("start", "end")
    @classmethod
    def _local(cls, value: time) -> time:
        if value.tzinfo is not None:
            raise ValueError("a local time of day has no zone of its own")
        return value


class RuleBody(_Section):
    """What a rule is about, and what it wants."""

    mode: RecordingMode = Field(description="full, random, scheduled, on_demand or never.")
    queues: tuple[_Name, ...] | None = Field(None, max_length=1000, description="Queues it is about; none: any.")
    agents: tuple[_Name, ...] | None = Field(None, max_length=10_000, description="Agents; none: any.")
    teams: tuple[_Name, ...] | None = Field(None, max_length=1000, description="Teams of agents; none: any.")
    dialled: tuple[_Name, ...] | None = Field(None, max_length=1000, description="Dialled numbers; none: any.")
    directions: tuple[Direction, ...] | None = Field(
        None, max_length=3, description="inbound, outbound, internal; none: any."
    )
    percent: float = Field(100.0, ge=0, le=100, description="Share of a random rule, percent.")
    windows: tuple[WindowSettings, ...] = Field(
        (),
        max_length=100,
        description="Times: a scheduled rule records the talks that begin in them; any other is about those only.",
    )
    retention_days: int | None = Field(
        None, le=36_500, description=f"Days until deletion; at least {LEAST_RETENTION_DAYS}; none: as all are."
    )

    announce: bool = Field(False, description="Whether the parties hear that they are recorded.")

    @field_validator("retention_days")
    @classmethod
    def _a_month_at_least(cls, days: int | None) -> int | None:
        return days if days is None else _a_month(days)

    @model_validator(mode="after")
    def _fits_its_mode(self) -> Self:
        if self.mode is RecordingMode.MESSAGE:
            raise ValueError("messages are recorded by flows, not by rules")
        if self.mode is RecordingMode.SCHEDULED and not self.windows:
            raise ValueError("it is scheduled and names no windows: it would never record")
        if self.percent != 100.0 and self.mode is not RecordingMode.RANDOM:
            raise ValueError("it has a percent, which only a random rule uses")
        if self.retention_days is not None and self.mode is RecordingMode.NEVER:
            raise ValueError("it never records and says how long to keep that")
        if self.announce and self.mode is RecordingMode.NEVER:
            raise ValueError("it never records and announces that it does")
        for field in ("queues", "agents", "teams", "dialled", "directions"):
            named = getattr(self, field)
            if named == ():
                raise ValueError(f"{field} names nothing: it would be about no talk; leave it out for any")
            if named is not None and len(set(named)) != len(named):
                raise ValueError(f"{field} names something twice")
        return self


class AnnouncementSettings(_Section):
    """What parties hear: a text that is spoken, or a file below `ivr.sounds_dir`."""

    zh: str = Field("本次通话可能会被录音。", min_length=1, max_length=500, description="In Chinese.")
    en: str = Field("This call may be recorded.", min_length=1, max_length=500, description="In English.")
    first: Literal["zh", "en"] = Field("zh", description="For callers who chose no language.")


class RuleSettings(RuleBody):
    """One rule of the policy; the first that fits a talk decides."""

    name: _Name = Field(description="Name of the rule; part of the random sample's seed.")


class KeyServiceSettings(_Section):
    """A key management service: the transit engine of HashiCorp Vault or OpenBao."""

    url: str = Field("", pattern=r"^(https?://[^\s/]+/?)?$", max_length=200, description="Where it answers.")
    engine: str = Field("transit", pattern=r"^[A-Za-z0-9._/-]{1,100}$", description="Path of the engine.")
    key: str = Field("ccplatform-recordings", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", description="Its key.")
    token_file: Path | None = Field(
        None, description="File with the token, mode 0600; without one it is in `CCP_KEY_SERVICE_TOKEN`."
    )
    timeout_seconds: float = Field(3.0, ge=0.1, le=30, description="Longest wait for an answer.")


class RecordingSettings(_Section):
    """What is recorded, how long it is kept, and how much space must be free."""

    rules: tuple[RuleSettings, ...] = Field((), max_length=1000, description="The policy, first match decides.")
    queue_default: Literal["full", "on_demand", "never"] = Field(
        "full", description="Talks from a queue that no rule is about."
    )
    consultations: bool = Field(
        True, description="Whether what agents say to others about their callers is recorded by the same policy."
    )
    announce: bool = Field(
        False, description="Whether the parties of recorded talks that no rule is about hear that they are."
    )
    announcement: AnnouncementSettings = AnnouncementSettings()
    seed: str = Field("", max_length=200, description="Secret part of the random choice; empty: by id only.")
    at_rest: Literal["flac", "opus", "as_recorded"] = Field(
        "flac",
        description="How recordings rest: FLAC (every sample), Opus (half of that, not every sample), or as they "
        "were recorded. Voice messages stay as they were recorded.",
    )
    at_rest_after_seconds: float = Field(
        600.0, ge=0, le=86_400, description="Seconds after its end that a recording is made smaller."
    )
    keys: Literal["file", "environment", "kms"] = Field(
        "file",
        description="Where the master keys of recordings are: `recording.keys` in the data directory, the "
        "environment (`CCP_RECORDING_KEYS`), or a key management service (`key_service`).",
    )
    key_service: KeyServiceSettings = KeyServiceSettings()
    retention_days: int = Field(
        93, le=36_500, description=f"Days until deletion; at least {LEAST_RETENTION_DAYS} (R10.1.f)."
    )
    deletion_time: time = Field(time(3, 0), description="Local time of the daily deletion.")
    link_seconds: float = Field(
        900.0, ge=30, le=86_400, description="A link to the sound of a recording is good for so long."
    )
    export_roles: tuple[Literal["supervisor", "auditor", "admin"], ...] = Field(
        ("auditor", "admin"), min_length=1, description="Who may let marked copies leave the platform."
    )
    stores: tuple[StoreSettings, ...] = Field(
        (), max_length=4, description="Stores that get a copy of every recording; the first is asked first."
    )
    keep_here_days: int | None = Field(
        None,
        ge=0,
        le=36_500,
        description="Days after which the data directory lets go of what every store has; none: it keeps all.",
    )
    copies_behind_seconds: float = Field(
        4 * 3600.0,
        ge=60,
        le=31 * 86_400,
        description="Older recordings without a copy raise recording_copies_behind.",
    )
    low_bytes: int = Field(
        20 * 2**30, ge=0, description="Less free space than this raises recording_disk_low, non-urgent."
    )
    very_low_bytes: int = Field(
        5 * 2**30,
        ge=0,
        description="Less than this makes it urgent; then the directory lets go of what every store has.",
    )
    delete_when_full_after_days: int | None = Field(
        None,
        le=36_500,
        description="Below `very_low_bytes`, recordings older than this are deleted, oldest first, before their "
        f"retention is over; at least {LEAST_RETENTION_DAYS}; none: nothing is.",
    )
    refuse_below_bytes: int = Field(
        0,
        ge=0,
        description="With less free space no recording is begun, and each of its seconds is told as a gap; 0: "
        "they are begun until the disk is full.",
    )
    max_messages: int = Field(
        10_000, ge=1, le=1_000_000, description="Voice messages that may wait; then none can be left."
    )
    disk_check_seconds: float = Field(30.0, ge=1, le=3600, description="Time between looks at the free space.")

    @field_validator("retention_days", "delete_when_full_after_days")
    @classmethod
    def _a_month_at_least(cls, days: int | None) -> int | None:
        return days if days is None else _a_month(days)

    @model_validator(mode="after")
    def _fits(self) -> RecordingSettings:
        if self.very_low_bytes > self.low_bytes:
            raise ValueError("very_low_bytes must not be more than low_bytes")
        if self.keys == "kms" and not self.key_service.url:
            raise ValueError("keys are in a key management service, and key_service.url does not say where it is")
        if self.refuse_below_bytes > self.very_low_bytes:
            raise ValueError("refuse_below_bytes must not be more than very_low_bytes")
        for what, names in (("rules", self.rules), ("stores", self.stores)):
            if len({one.name for one in names}) != len(names):
                raise ValueError(f"two {what} have the same name")
        if self.keep_here_days is not None and not self.stores:
            raise ValueError("keep_here_days needs stores: nothing else has what the directory lets go of")
        return self

    def policy(self) -> Policy:
        """The policy that these settings describe."""
        return Policy(
            rules=tuple(rule_of(rule.name, rule) for rule in self.rules),
            queue_default=RecordingMode(self.queue_default),
            consultations=self.consultations,
            seed=self.seed,
            announce=self.announce,
            announcements=self._announcements(),
        )

    def _announcements(self) -> dict[str, str]:
        texts = {"zh": self.announcement.zh, "en": self.announcement.en}
        return {self.announcement.first: texts[self.announcement.first], **texts}


def _a_month(days: int) -> int:
    if days < LEAST_RETENTION_DAYS:
        raise ValueError(str(RetentionTooShort(days, LEAST_RETENTION_DAYS)))
    return days


def rule_of(name: str, rule: RuleBody) -> Rule:
    """The rule as the policy takes it."""
    return Rule(
        name=name,
        mode=rule.mode,
        queues=None if rule.queues is None else frozenset(QueueId(queue) for queue in rule.queues),
        agents=None if rule.agents is None else frozenset(AgentId(agent) for agent in rule.agents),
        teams=None if rule.teams is None else frozenset(rule.teams),
        dialled=None if rule.dialled is None else frozenset(rule.dialled),
        directions=None if rule.directions is None else frozenset(rule.directions),
        percent=rule.percent,
        keep_days=rule.retention_days,
        announce=rule.announce,
        windows=tuple(
            TimeWindow(days=frozenset(window.days), start=window.start, end=window.end) for window in rule.windows
        ),
    )
