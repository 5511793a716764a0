"""Subscriptions of phones to what seats and agents do (RFC 6665, the notifier's side), a pure core.

An agent does what the seat does where he is signed in; elsewhere he does nothing.

A subscriber gets the full state at once, at each change, and when he refreshes. One NOTIFY at a time: what changes
while it is under way is told by the next, so that a slow phone hears the last state and no queue grows.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from ccplatform.contracts.words import AgentId, SeatId
from ccplatform.kernel.core import DeadlineReached
from gateway.errors import SipParseError
from gateway.sip.dialogs import Dialog, Identity
from gateway.sip.event_packages import (
    ALLOW_EVENTS,
    PACKAGES,
    MessageCounts,
    SeatDialog,
    dialog_info,
    message_summary,
)
from gateway.sip.flows import Flow
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.responses import response_to
from gateway.sip.syntax import parse_parameters
from gateway.sip.transaction_layer import ServerKey

#: Subscriptions that one seat may have: a row of lamps for a large group.
MAX_PER_SUBSCRIBER: Final = 100
#: Subscriptions of all seats together.
MAX_SUBSCRIPTIONS: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionTimes:
    """How long a subscription lasts, seconds: shortest (423 below), longest and default."""

    shortest: int = 60
    longest: int = 3600


SubscriptionKey: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class WatchedAgent:
    """Somebody watches an agent, wherever he sits."""

    id: AgentId


Subject: TypeAlias = SeatId | WatchedAgent


class Agents(Protocol):
    """Who sits where."""

    def knows_agent(self, agent: AgentId) -> bool:
        """Whether there is such an agent."""

    def seat_of(self, agent: AgentId) -> SeatId | None:
        """Where an agent that is known is signed in."""

    def agent_at(self, seat: SeatId) -> AgentId | None:
        """Who is signed in at a seat."""


class _Nobody:
    def knows_agent(self, agent: AgentId) -> bool:
        return False

    def seat_of(self, agent: AgentId) -> SeatId | None:
        return None

    def agent_at(self, seat: SeatId) -> AgentId | None:
        return None


@dataclass(slots=True, kw_only=True, eq=False)
class Subscription:
    """One phone's interest in a seat or an agent. ``dirty``: something changed since the NOTIFY under way."""

    dialog: Dialog
    package: str
    event: str  # as it was asked for, with its id parameter
    subscriber: SeatId
    subject: Subject
    entity: str
    expires_at: float
    looked_at: float = math.inf  # when its expiry is looked at next
    version: int = 0
    notifying: bool = False
    dirty: bool = False
    ended: str = ""  # the reason of the last NOTIFY
    counts: MessageCounts | None = None  # that were told last

    @property
    def key(self) -> SubscriptionKey:
        """Call-ID and our tag."""
        return self.dialog.call_id, self.dialog.local_tag


# --- events and effects -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SubscribeArrived:
    """An authenticated SUBSCRIBE of a seat about ``subject`` (None: nobody has that number); ``local_tag`` is for
    a new one."""

    subscriber: SeatId
    subject: Subject | None
    transaction: ServerKey
    request: SipRequest
    flow: Flow
    local_tag: str


@dataclass(frozen=True, slots=True)
class SeatChanged:
    """A seat does something else now."""

    seat: SeatId


@dataclass(frozen=True, slots=True)
class AgentMoved:
    """An agent signed in, out, or in elsewhere."""

    agent: AgentId


@dataclass(frozen=True, slots=True)
class MessagesChanged:
    """Other messages may wait for a seat now."""

    seat: SeatId


@dataclass(frozen=True, slots=True)
class NotifyOver:
    """A NOTIFY was answered; ``status`` 408 when it was not."""

    subscription: SubscriptionKey
    status: int


SubscriptionEvent: TypeAlias = SubscribeArrived | SeatChanged | AgentMoved | MessagesChanged | NotifyOver


@dataclass(frozen=True, slots=True)
class SubscribeAnswered:
    """Send this response."""

    transaction: ServerKey
    response: SipResponse


@dataclass(frozen=True, slots=True)
class Notify:
    """Send this NOTIFY; NotifyOver must follow."""

    subscription: SubscriptionKey
    request: SipRequest
    flow: Flow


SubscriptionEffect: TypeAlias = SubscribeAnswered | Notify


class Subscriptions:
    """All of them. ``dialogs(seat)`` says what a seat does now, ``identity()`` who we are; ``messages(seat)`` says
    what waits for it and :attr:`agents` who sits where, once somebody knows."""

    def __init__(
        self,
        *,
        dialogs: Callable[[SeatId], tuple[SeatDialog, ...]],
        identity: Callable[[], Identity],
        times: SubscriptionTimes,
    ) -> None:
        self._dialogs = dialogs
        self.messages: Callable[[SeatId], MessageCounts] = lambda _: MessageCounts()
        self.agents: Agents = _Nobody()
        self._identity = identity
        self._times = times
        self._all: dict[SubscriptionKey, Subscription] = {}
        self._by_subject: dict[Subject, dict[SubscriptionKey, Subscription]] = {}
        self._of_subscriber: Counter[SeatId] = Counter()
        self._expiries: list[tuple[float, SubscriptionKey]] = []

    def __len__(self) -> int:
        return len(self._all)

    def next_deadline(self) -> float | None:
        """When the next may expire (early after refreshes)."""
        return self._expiries[0][0] if self._expiries else None

    def handle(self, event: SubscriptionEvent | DeadlineReached, now: float) -> list[SubscriptionEffect]:
        """Take one event."""
        match event:
            case SubscribeArrived():
                return self._subscribe(event, now)
            case SeatChanged(seat):
                agent = self.agents.agent_at(seat)
                watched: tuple[Subject, ...] = (seat,) if agent is None else (seat, WatchedAgent(agent))
                return [effect for subject in watched for effect in self._dialogs_changed(subject, now)]
            case AgentMoved(agent):
                return self._dialogs_changed(WatchedAgent(agent), now)
            case MessagesChanged(seat):
                return self._messages_changed(seat, now)
            case NotifyOver(key, status):
                return self._notified(key, status, now)
            case DeadlineReached():
                return self._expire(now)

    def _dialogs_changed(self, subject: Subject, now: float) -> list[SubscriptionEffect]:
        about = [one for one in self._by_subject.get(subject, {}).values() if one.package == "dialog"]
        return [effect for one in about for effect in self._tell(one, now)]

    def _messages_changed(self, seat: SeatId, now: float) -> list[SubscriptionEffect]:
        """Who knows the counts already is told nothing."""
        about = [one for one in self._by_subject.get(seat, {}).values() if one.package == "message-summary"]
        counts = self.messages(seat) if about else None
        return [effect for one in about if one.counts != counts for effect in self._tell(one, now)]

    # --- SUBSCRIBE ----------------------------------------------------------------------------------------

    def _subscribe(self, event: SubscribeArrived, now: float) -> list[SubscriptionEffect]:
        request = event.request
        try:
            lifetime = self._lifetime(request)
            known = self._all.get((request.call_id, request.to.tag or ""))
            if request.to.tag is not None:
                return self._refresh(event, known, lifetime, now)
            return self._begin(event, lifetime, now)
        except SipParseError as error:
            return [SubscribeAnswered(event.transaction, response_to(request, error.status))]

    def _lifetime(self, request: SipRequest) -> int:
        asked = request.number("expires")
        return self._times.longest if asked is None else min(asked, self._times.longest)

    def _refresh(
        self, event: SubscribeArrived, known: Subscription | None, lifetime: int, now: float
    ) -> list[SubscriptionEffect]:
        request = event.request
        if known is None or known.ended or known.subscriber != event.subscriber:
            return [self._refused(event, 481)]
        if not known.dialog.accepts_sequence(request.cseq.number):
            return [self._refused(event, 500)]
        if 0 < lifetime < self._times.shortest:
            return [self._too_brief(event)]
        known.dialog.refresh_target(request)
        known.dialog.flow = event.flow
        return self._agreed(event, known, lifetime, now)

    def _begin(self, event: SubscribeArrived, lifetime: int, now: float) -> list[SubscriptionEffect]:
        request = event.request
        package, _, parameters = (request.headers.first("event") or "").partition(";")
        package = package.strip().lower()
        if package not in PACKAGES:
            return [self._refused(event, 489, ("allow-events", ALLOW_EVENTS))]
        if not _takes(request, PACKAGES[package]):
            return [self._refused(event, 406)]
        if event.subject is None or (package != "dialog" and isinstance(event.subject, WatchedAgent)):
            return [self._refused(event, 404)]
        if 0 < lifetime < self._times.shortest:
            return [self._too_brief(event)]
        if self._of_subscriber[event.subscriber] >= MAX_PER_SUBSCRIBER or len(self._all) >= MAX_SUBSCRIPTIONS:
            return [self._refused(event, 503, ("retry-after", "60"))]
        ident = parse_parameters(parameters, "Event").get("id") if parameters else None
        made = Subscription(
            dialog=Dialog.from_request(request, event.local_tag, event.flow, pinned=True),
            package=package,
            event=package if ident is None else f"{package};id={ident}",
            subscriber=event.subscriber,
            subject=event.subject,
            entity=request.uri_text.partition(";")[0].partition("?")[0],
            expires_at=now,
        )
        self._all[made.key] = made
        self._by_subject.setdefault(made.subject, {})[made.key] = made
        self._of_subscriber[made.subscriber] += 1
        return self._agreed(event, made, lifetime, now)

    def _agreed(
        self, event: SubscribeArrived, one: Subscription, lifetime: int, now: float
    ) -> list[SubscriptionEffect]:
        one.expires_at = now + lifetime
        if lifetime:
            self._look_at(one)
        else:
            one.ended = "timeout"
        response = response_to(event.request, 200, to_tag=one.dialog.local_tag)
        response.headers.put("expires", str(lifetime))
        response.headers.put("contact", one.dialog.contact(self._identity()))
        return [SubscribeAnswered(event.transaction, response), *self._tell(one, now)]

    def _too_brief(self, event: SubscribeArrived) -> SubscribeAnswered:
        return self._refused(event, 423, ("min-expires", str(self._times.shortest)))

    @staticmethod
    def _refused(event: SubscribeArrived, status: int, *headers: tuple[str, str]) -> SubscribeAnswered:
        response = response_to(event.request, status)
        for name, value in headers:
            response.headers.put(name, value)
        return SubscribeAnswered(event.transaction, response)

    # --- NOTIFY -------------------------------------------------------------------------------------------

    def _tell(self, one: Subscription, now: float) -> list[SubscriptionEffect]:
        if one.notifying:
            one.dirty = True
            return []
        one.notifying, one.dirty = True, False
        identity = self._identity()
        request = one.dialog.request("NOTIFY", identity)
        remaining = max(0, round(one.expires_at - now))
        state = f"terminated;reason={one.ended}" if one.ended else f"active;expires={remaining}"
        request.headers.put("event", one.event)
        request.headers.put("subscription-state", state)
        request.headers.put("content-type", PACKAGES[one.package])
        if one.package == "dialog":
            request.body = dialog_info(one.entity, one.version, self._dialogs_of(one.subject))
        elif not isinstance(one.subject, WatchedAgent):
            one.counts = self.messages(one.subject)
            request.body = message_summary(one.entity, one.counts)
        one.version += 1
        return [Notify(one.key, request, one.dialog.destination())]

    def _dialogs_of(self, subject: Subject) -> tuple[SeatDialog, ...]:
        if isinstance(subject, WatchedAgent):
            known = self.agents.knows_agent(subject.id)  # he may be removed meanwhile
            seat = self.agents.seat_of(subject.id) if known else None
            return () if seat is None else self._dialogs(seat)
        return self._dialogs(subject)

    def _notified(self, key: SubscriptionKey, status: int, now: float) -> list[SubscriptionEffect]:
        one = self._all.get(key)
        if one is None or status < 200:
            return []
        one.notifying = False
        if status >= 300:  # gone, or deaf (RFC 6665 section 4.2.2)
            self._forget(one)
            return []
        if one.dirty:
            return self._tell(one, now)
        if one.ended:
            self._forget(one)
        return []

    def _expire(self, now: float) -> list[SubscriptionEffect]:
        effects: list[SubscriptionEffect] = []
        while self._expiries and self._expiries[0][0] <= now:
            when, key = heapq.heappop(self._expiries)
            one = self._all.get(key)
            if one is None or one.ended or one.looked_at != when:
                continue
            one.looked_at = math.inf
            if one.expires_at > now:  # it was refreshed
                self._look_at(one)
                continue
            one.ended = "timeout"
            effects += self._tell(one, now)
        return effects

    def _look_at(self, one: Subscription) -> None:
        """One look ahead for each, however often it is refreshed; another when it shall end earlier."""
        if one.expires_at < one.looked_at:
            one.looked_at = one.expires_at
            heapq.heappush(self._expiries, (one.expires_at, one.key))

    def _forget(self, one: Subscription) -> None:
        del self._all[one.key]
        about = self._by_subject[one.subject]
        del about[one.key]
        if not about:
            del self._by_subject[one.subject]
        self._of_subscriber[one.subscriber] -= 1
        if not self._of_subscriber[one.subscriber]:
            del self._of_subscriber[one.subscriber]


def _takes(request: SipRequest, document: str) -> bool:
    accepted = request.headers.values("accept")
    kinds = {value.partition(";")[0].strip().lower() for value in accepted}
    return not kinds or not kinds.isdisjoint({document, "*/*", "application/*"})
