"""What a mystery caller does, and what an acceptance run is made of: a TOML document.

::

    channels = 30                      # of the trunk under test; load is per channel

    [visit]                            # a self-service call
    number = "95000"
    steps = [
      { hear = "greeting" },           # R10.3.1.2
      { quiet = 1.0 },                 # until nothing was heard for so long
      { press = "3" },
      { hear = "key" },                # R10.3.1.6
      { quiet = 1.0 },
      { press = "600001" },
      { hear = "query" },              # R10.3.1.7
    ]

    [agent]                            # a robot at a test seat answers: R10.3.2.d
    number = "95000"
    steps = [{ hear = "greeting" }, { press = "2" }]
    seats = [{ user = "8099", password = "…", sign_in = [{ number = "*11", steps = [{ press = "1099#1099#" }] }] }]

    [prompt]                           # a number whose prompt is known: PESQ of what is heard
    number = "95003"
    steps = [{ hear = "nothing", prompt = "reference" }]

    [echo]                             # a number that gives the caller's own sound back: R10.3.1.3, R10.3.1.4
    number = "95002"
"""

from __future__ import annotations

import re
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError

from ccplatform.proof.errors import WrongPlan
from ccplatform.proof.mouth import KEYS

_MOST_STEPS: Final = 100
#: The prompt that is the platform's reference speech.
REFERENCE: Final = "reference"
#: What a prompt begins with that is a text, ``say:zh:…`` or ``say:en:…``, in the voice of the platform.
SAY: Final = "say:"
_TARGET: Final = re.compile(
    r"sip:(?P<number>[A-Za-z0-9*#+._-]{1,64})@(?P<host>\[[0-9A-Fa-f:]+\]|[^:@\s]+)(:(?P<port>\d{1,5}))?"
)
#: What the target of a call over E1 begins with.
SPAN_TARGET: Final = "e1:"
_SPAN_TARGET: Final = re.compile(r"e1:(?P<number>[0-9*#+]{1,32})(@(?P<span>[A-Za-z0-9._-]{1,32}))?")

NetworkName = Literal["good", "poor", "bad"]
Number = Annotated[str, Field(pattern=r"^[A-Za-z0-9*#+._-]{1,64}$")]


class Sight(StrEnum):
    """What is measured by hearing something: from what on, and for which clause."""

    GREETING = "greeting"  # from the INVITE: R10.3.1.2
    KEY = "key"  # from the end of the last key: R10.3.1.6
    QUERY = "query"  # from the end of the last key: R10.3.1.7
    NOTHING = "nothing"  # only that it is heard


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Hear(_Model):
    """Wait for the first audible sample after what came before; ``within`` seconds, or the call has failed.

    Where ``prompt`` says what should be heard (a WAV or FLAC file; ``reference``: the reference speech of the
    platform; ``say:zh:…``, ``say:en:…``: a text in its voice), nothing else will do, and it is scored by PESQ.
    """

    hear: Sight
    prompt: str = Field("", max_length=500)
    within: float = Field(10.0, gt=0, le=120)


class Quiet(_Model):
    """Wait until nothing audible came for ``quiet`` seconds."""

    quiet: float = Field(gt=0, le=10)
    within: float = Field(60.0, gt=0, le=600)


class Press(_Model):
    """Press these keys by RFC 4733."""

    press: str = Field(min_length=1, max_length=64, pattern=f"^[{re.escape(''.join(KEYS))}]+$")


class Stay(_Model):
    """Stay on the line."""

    stay: float = Field(gt=0, le=3600)


def _kind(step: Any) -> str | None:
    names = step if isinstance(step, dict) else type(step).model_fields
    return next((kind for kind in ("hear", "quiet", "press", "stay") if kind in names), None)


Step = Annotated[
    Annotated[Hear, Tag("hear")]
    | Annotated[Quiet, Tag("quiet")]
    | Annotated[Press, Tag("press")]
    | Annotated[Stay, Tag("stay")],
    Discriminator(
        _kind,
        custom_error_type="unknown_step",
        custom_error_message="a step is one of hear, quiet, press, stay",
    ),
]


class VisitPlan(_Model):
    """A self-service call: its number and its steps. It hangs up by itself after the last one."""

    number: Number
    steps: tuple[Step, ...] = Field(min_length=1, max_length=_MOST_STEPS)


class SeatPlan(_Model):
    """A test seat: its SIP account, and the calls by whose keys a robot signs in there and becomes ready, and
    signs out."""

    user: Number
    password: str = Field(min_length=1, max_length=128, repr=False)
    sign_in: tuple[VisitPlan, ...] = Field((), max_length=5)
    sign_out: tuple[VisitPlan, ...] = Field((), max_length=5)


class AgentPlan(_Model):
    """Calls for an agent (R10.3.2.d): by ``steps`` into a queue, and then at most ``within`` seconds until a robot
    at one of the ``seats`` answers, who speaks ``settle`` seconds later. ``callers``: numbers that such calls
    show, one for each that is made at a time."""

    number: Number
    steps: tuple[Step, ...] = Field((), max_length=_MOST_STEPS)
    within: float = Field(120.0, gt=0, le=3600)
    settle: float = Field(0.5, ge=0, le=30)
    rest: float = Field(12.0, ge=0, le=600, description="pause of a robot after a call: longer than its wrap-up")
    callers: tuple[Number, ...] = Field((), max_length=100)
    network: NetworkName = "good"
    seats: tuple[SeatPlan, ...] = Field(min_length=1, max_length=100)


class EchoPlan(_Model):
    """A number that gives the caller's sound back."""

    number: Number


class Plan(_Model):
    """What is done. Clauses for which there is nothing here are not tested."""

    channels: int = Field(30, ge=1, le=1000, description="channels of the trunk under test")
    caller: Number = Field("13900000000", description="the number that calls come from")
    visit: VisitPlan
    echo: EchoPlan | None = None
    agent: AgentPlan | None = None
    prompt: VisitPlan | None = None

    def prompts(self) -> frozenset[str]:
        """Every sound that it names, the reference speech for agents' calls among them."""
        walks = [self.visit.steps, *(part.steps for part in (self.agent, self.prompt) if part is not None)]
        named = {step.prompt for steps in walks for step in steps if isinstance(step, Hear) and step.prompt}
        return frozenset(named | ({REFERENCE} if self.agent is not None else set()))

    def dialling(self, number: str) -> Plan:
        """The same visit to another number."""
        return self.model_copy(update={"visit": self.visit.model_copy(update={"number": number})})


#: What is done with a number of which nothing is known: only how it is answered.
def plan_for(number: str) -> Plan:
    """The plan for a centre of which nothing but a number is known: connect rate and connect delay."""
    return Plan(visit=VisitPlan(number=number, steps=(Hear(hear=Sight.GREETING), Stay(stay=5.0))))


def read_plan(path: Path) -> Plan:
    """The plan in a TOML file; raises WrongPlan, which names the field."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongPlan(f"{path} cannot be read: {error}") from error
    return parse_plan(text, str(path))


def parse_plan(text: str, name: str) -> Plan:
    """The plan in TOML; raises WrongPlan, which names the field."""
    try:
        return Plan.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise WrongPlan(f"{name}: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise WrongPlan(f"{name}: {where}: {first['msg']}", where=where) from error


def read_span_target(text: str) -> tuple[str, str]:
    """Number and span ('': the first) of ``e1:NUMBER@SPAN``; raises WrongPlan."""
    found = _SPAN_TARGET.fullmatch(text)
    if found is None:
        raise WrongPlan(f"{text[:100]!r} is no target: e1:NUMBER or e1:NUMBER@SPAN", where="target")
    return found["number"], found["span"] or ""


def read_target(text: str) -> tuple[str, str, int]:
    """Number, host and port of ``sip:NUMBER@HOST:PORT``; raises WrongPlan."""
    found = _TARGET.fullmatch(text)
    port = int(found["port"] or 5060) if found else 0
    if found is None or not 0 < port < 65536:
        raise WrongPlan(f"{text[:100]!r} is no target: sip:NUMBER@HOST:PORT or e1:NUMBER@SPAN", where="target")
    return found["number"], found["host"].strip("[]"), port
