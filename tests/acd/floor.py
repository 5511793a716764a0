"""A small centre for traces: an engine, its time, and short words for what happens."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TypeVar

from acd.engine import AcdEngine
from acd.events import (
    AcdEvent,
    Effect,
    GoNotReady,
    GoReady,
    SaveAgent,
    SaveQueue,
    SeatReachability,
    SignIn,
    SignOut,
)
from acd.model import Agent, Queue
from acd.skills import SkillId
from acd.views import AgentView, QueueView
from ccplatform.contracts.routing import (
    AgentOffered,
    OfferAnswered,
    OfferFailed,
    QueueContact,
    TalkHeld,
    TalkReleased,
    WithdrawContact,
)
from ccplatform.contracts.words import AgentId, AgentState, ContactId, OfferEnd, QueueId, SeatId
from ccplatform.kernel.core import DEADLINE, DeadlineReached

T = TypeVar("T")

SALES, SUPPORT = SkillId("sales"), SkillId("support")


def agent(name: str, **levels: int) -> Agent:
    skills = {SkillId(skill): level for skill, level in (levels or {"sales": 5}).items()}
    return Agent(id=AgentId(name), name=f"Agent {name}", team="day", skills=skills)


def queue(name: str = "sales", **fields: object) -> Queue:
    return Queue(**{"id": QueueId(name), "name": name.title(), "skill": SALES, **fields})  # type: ignore[arg-type]


def only(kind: type[T], effects: Sequence[object]) -> T:
    found = [effect for effect in effects if isinstance(effect, kind)]
    assert len(found) == 1, effects
    return found[0]


class Centre:
    """Agents 1, 2, … sit at seats s1, s2, … unless said otherwise."""

    def __init__(self, *queues: Queue, engine: AcdEngine | None = None) -> None:
        self.engine = engine or AcdEngine()
        self.now = 1000.0
        self.log: list[Effect] = []
        for config in queues:
            self.do(SaveQueue(queue=config))

    def do(self, event: AcdEvent | DeadlineReached) -> list[Effect]:
        effects = list(self.engine.handle(event, self.now))
        self.log += effects
        return effects

    def wait(self, seconds: float) -> list[Effect]:
        """Let time pass; deadlines on the way are met exactly."""
        target, effects = self.now + seconds, []
        while (deadline := self.engine.next_deadline()) is not None and deadline <= target:
            self.now = max(self.now, deadline)
            effects += self.do(DEADLINE)
        self.now = target
        return effects

    def staff(self, name: str, *, ready: bool = True, reachable: bool = True, **levels: int) -> list[Effect]:
        """An agent with these skills, signed in."""
        seat = SeatId(f"s{name}")
        self.do(SaveAgent(agent=agent(name, **levels)))
        self.do(SeatReachability(seat=seat, reachable=reachable))
        self.do(SignIn(agent=AgentId(name), seat=seat))
        return self.ready(name) if ready else []

    def sign_in(self, name: str, seat: str) -> list[Effect]:
        return self.do(SignIn(agent=AgentId(name), seat=SeatId(seat)))

    def sign_out(self, name: str) -> list[Effect]:
        return self.do(SignOut(agent=AgentId(name)))

    def ready(self, name: str) -> list[Effect]:
        return self.do(GoReady(agent=AgentId(name)))

    def not_ready(self, name: str, reason: str = "") -> list[Effect]:
        return self.do(GoNotReady(agent=AgentId(name), reason=reason))

    def reach(self, name: str, reachable: bool) -> list[Effect]:
        return self.do(SeatReachability(seat=SeatId(f"s{name}"), reachable=reachable))

    def call(
        self, contact: str, to: str = "sales", priority: int = 5, age: float = 0.0, **fields: object
    ) -> list[Effect]:
        return self.do(
            QueueContact(
                contact=ContactId(contact),
                queue=QueueId(to),
                priority=priority,
                waited_seconds=age,
                **fields,  # type: ignore[arg-type]
            )
        )

    def hang_up(self, contact: str, reason: str = "abandoned") -> list[Effect]:
        return self.do(WithdrawContact(contact=ContactId(contact), reason=reason))

    def answer(self, contact: str, name: str) -> list[Effect]:
        return self.do(OfferAnswered(contact=ContactId(contact), agent=AgentId(name)))

    def fail(self, contact: str, name: str, end: OfferEnd) -> list[Effect]:
        return self.do(OfferFailed(contact=ContactId(contact), agent=AgentId(name), end=end))

    def hold(self, contact: str, name: str, held: bool = True) -> list[Effect]:
        return self.do(TalkHeld(contact=ContactId(contact), agent=AgentId(name), held=held))

    def release(self, contact: str, name: str) -> list[Effect]:
        return self.do(TalkReleased(contact=ContactId(contact), agent=AgentId(name)))

    def agent(self, name: str) -> AgentView:
        return self.engine.describe_agent(AgentId(name), self.now)

    def state(self, name: str) -> AgentState:
        return self.agent(name).state

    def queue(self, name: str = "sales") -> QueueView:
        return next(view for view in self.engine.describe_queues(self.now) if view.id == name)

    def restart(self, *, away: float = 0.0) -> None:
        """Go on from the snapshot, through JSON, in a process whose monotonic clock begins elsewhere."""
        data = json.loads(json.dumps(self.engine.snapshot(self.now)))
        self.now = 7.0
        self.engine = AcdEngine.restore(data, self.now, elapsed=away)


def offers(effects: Sequence[object]) -> list[tuple[str, str]]:
    """(contact, agent) of the offers made."""
    return [(e.contact, e.agent) for e in effects if isinstance(e, AgentOffered)]
