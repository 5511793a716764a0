"""The shell of the subscriptions: their timer, and the NOTIFYs on their way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ccplatform.contracts.words import AgentId, SeatId
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.core import EffectRunner
from ccplatform.kernel.tasks import TaskSupervisor
from gateway.sip.event_packages import MessageCounts
from gateway.sip.subscriptions import (
    AgentMoved,
    Agents,
    MessagesChanged,
    Notify,
    NotifyOver,
    SeatChanged,
    SubscribeAnswered,
    SubscribeArrived,
    SubscriptionEffect,
    SubscriptionEvent,
    SubscriptionKey,
    Subscriptions,
    WatchedAgent,
)
from gateway.sip.transaction_layer import LayerEvent, RequestFailed, ResponseArrived, SendRequest, SendResponse


@dataclass(frozen=True, slots=True)
class NotifyOwner:
    """Who hears what becomes of a NOTIFY."""

    notifier: Notifier
    subscription: SubscriptionKey

    def tell(self, event: ResponseArrived | RequestFailed) -> None:
        """It was answered, or was not."""
        status = event.response.status if isinstance(event, ResponseArrived) else 408
        self.notifier.tell(NotifyOver(self.subscription, status))


class Notifier:
    """Drives the subscriptions; ``send`` goes to the transaction layer."""

    def __init__(
        self, core: Subscriptions, *, clock: Clock, tasks: TaskSupervisor, send: Callable[[LayerEvent], None]
    ) -> None:
        self._core = core
        self._send = send
        self._runner: EffectRunner[SubscriptionEvent, SubscriptionEffect] = EffectRunner(
            core, self._perform, clock, tasks.guarded("sip subscriptions")
        )

    def __len__(self) -> int:
        return len(self._core)

    def tell(self, event: SubscribeArrived | NotifyOver) -> None:
        """A SUBSCRIBE came, or a NOTIFY is over."""
        self._runner.post(event)

    def seat_changed(self, seat: SeatId) -> None:
        """A seat does something else now."""
        self._runner.post(SeatChanged(seat))

    def follow_agents(self, agents: Agents) -> None:
        """Ask these who sits where."""
        self._core.agents = agents

    def agent(self, number: str) -> WatchedAgent | None:
        """The agent with that number."""
        agent = AgentId(number)
        return WatchedAgent(agent) if self._core.agents.knows_agent(agent) else None

    def agent_moved(self, agent: AgentId) -> None:
        """An agent signed in, out, or in elsewhere."""
        self._runner.post(AgentMoved(agent))

    def count_messages(self, counts: Callable[[SeatId], MessageCounts]) -> None:
        """Ask this what waits for a seat."""
        self._core.messages = counts

    def messages_changed(self, seat: SeatId) -> None:
        """Other messages may wait for a seat now."""
        self._runner.post(MessagesChanged(seat))

    def close(self) -> None:
        """Stop the timer."""
        self._runner.close()

    def _perform(self, effect: SubscriptionEffect) -> None:
        match effect:
            case SubscribeAnswered(transaction, response):
                self._send(SendResponse(transaction, response))
            case Notify(key, request, flow):
                self._send(SendRequest(request, flow, NotifyOwner(self, key)))
