"""One running session as the parts of the interpreter see it: flow, cursor, and what the present event causes."""

from __future__ import annotations

from collections.abc import Mapping

from ccplatform.contracts.facts import BotTalkEnded, Fact, FlowLeft, MessageLeft, QueryAnswered
from ccplatform.contracts.flows import FlowFinished, FlowRequest, ReleaseCaller, StopPrompt, UntapCaller
from ccplatform.contracts.words import ContactId, FlowOutcome, Mailbox, ReleaseCause
from ivr.model import Flow, Node, NodeName
from ivr.numbers import Language
from ivr.plan import Plan
from ivr.session import Cursor, LeftMessage, Phase, QueryResult
from ivr.work import Ask, CloseBot, CloseHearing, Effect, Tell


class Run:
    """The session's state; ``next`` is the node to enter when the present step is done.

    ``plan`` is of the flow that runs: ``root``, or one of its ``parts``, the sub-flows by name; ``at`` is the node
    that the session is at.
    """

    def __init__(
        self, *, contact: ContactId, plan: Plan, sources: Mapping[str, str], parts: Mapping[str, Plan]
    ) -> None:
        self.contact = contact
        self.root = plan
        self.parts = parts
        self.plan = plan
        self.at = plan.steps[plan.flow.start]
        self.sources = sources
        self.cursor = Cursor()
        self.next: NodeName | None = None
        self.now = 0.0
        self.out: list[Effect] = []

    def use(self, cursor: Cursor) -> None:
        """Become the session of this cursor; raises ValueError when it is at no node of its flows."""
        for name, node in [(cursor.flow, cursor.node), *((frame.flow, frame.node) for frame in cursor.frames)]:
            plan = self.parts.get(name) if name else self.root
            if plan is None or node not in plan.steps:
                raise ValueError(f"there is no node {node!r} in the flow {name or self.root.name!r}")
        self.cursor = cursor
        self.turn_to(cursor.flow)
        self.at = self.plan.steps[cursor.node]

    def turn_to(self, name: str) -> None:
        """Run that sub-flow from now on; '': the session's own flow."""
        self.cursor.flow = name
        self.plan = self.parts[name] if name else self.root

    @property
    def flow(self) -> Flow:
        """The flow that runs."""
        return self.plan.flow

    @property
    def node(self) -> Node:
        """The node the session is at."""
        return self.at.node

    @property
    def languages(self) -> tuple[Language, ...]:
        """The languages in which that node speaks to the caller."""
        return self.at.languages(self.cursor.language)

    @property
    def ended(self) -> bool:
        """Whether the session is over."""
        return self.cursor.phase is Phase.ENDED

    def step(self, now: float) -> None:
        """Begin to handle an event."""
        self.now, self.out = now, []

    def ask(self, request: FlowRequest) -> None:
        """Ask `calls` for something."""
        self.out.append(Ask(request=request))

    def tell(self, fact: Fact) -> None:
        """Record a fact."""
        self.out.append(Tell(fact=fact))

    def forget(self, names: frozenset[str]) -> None:
        """Drop those of these variables that are secret: nothing will read them (R11.4.3.i)."""
        cursor = self.cursor
        for name in cursor.secure & names:
            cursor.variables.pop(name, None)
            cursor.secure.discard(name)

    def stop_hearing(self) -> None:
        """Let the recogniser go, if one hears the caller."""
        cursor = self.cursor
        if cursor.hears:
            cursor.hears = False
            self.ask(UntapCaller())
            self.out.append(CloseHearing(hearing=cursor.hearing))

    def stop_talking(self, how: str, detail: str = "") -> None:
        """Let the bot go, if one talks with the caller, for a reason that it is told: see :class:`CloseBot`."""
        cursor = self.cursor
        if not cursor.talks:
            return
        cursor.talks = False
        began = self.now if cursor.talked_at is None else cursor.talked_at
        self.ask(UntapCaller())
        self.ask(StopPrompt())
        self.out.append(CloseBot(talk=cursor.talk, reason=how))
        self.tell(
            BotTalkEnded(
                contact=self.contact,
                node=cursor.node,
                how=how,
                detail=detail,
                seconds=max(0.0, self.now - began),
                turns=cursor.turns,
            )
        )

    def drop_result(self) -> None:
        """The caller went on without hearing (all of) a query's result."""
        self.cursor.result = None
        self.cursor.result_plays = False

    def query_unheard(self, result: QueryResult) -> None:
        """A system cause kept a query from being answered."""
        self.tell(
            QueryAnswered(
                contact=self.contact,
                node=result.node,
                source=result.source,
                ok=False,
                response_seconds=max(0.0, self.now - result.keyed_at),
            )
        )

    def let_go(self, outcome: FlowOutcome, cause: ReleaseCause = ReleaseCause.NORMAL) -> None:
        """Release the caller: the flow is over."""
        self.ask(ReleaseCaller(cause=cause))
        self.end(outcome)

    def give_up(self, cause: str) -> None:
        """Nothing leads on from a fault: release the caller."""
        self.cursor.fault = self.cursor.fault or cause
        self.let_go(FlowOutcome.FAILED, ReleaseCause.FAILED)

    def keep_unended(self) -> None:
        """What is being recorded is a message, however long: nobody will tell how long it became."""
        cursor = self.cursor
        if cursor.taking is not None and cursor.recorded_at is not None:
            seconds = max(0.0, self.now - cursor.recorded_at)
            cursor.message = LeftMessage(recording=cursor.taking, mailbox=Mailbox(cursor.mailbox), seconds=seconds)
            cursor.taking = None

    def _leave_message(self) -> None:
        message = self.cursor.message
        if message is not None:
            self.tell(
                MessageLeft(
                    contact=self.contact,
                    message=message.recording,
                    mailbox=message.mailbox,
                    seconds=message.seconds,
                    caller=self.cursor.variables.get("caller", ""),
                )
            )

    def end(self, outcome: FlowOutcome) -> None:
        """The session's last effects; a system cause on the way makes it FAILED whatever came after."""
        cursor = self.cursor
        self.stop_hearing()
        self.stop_talking("hang_up")
        self.keep_unended()
        self._leave_message()
        outcome = FlowOutcome.FAILED if cursor.fault else outcome
        cursor.phase, cursor.deadline = Phase.ENDED, None
        cursor.keys_ahead, cursor.typed, cursor.variables, cursor.frames = [], [], {}, []
        self.next = None
        self.tell(FlowLeft(contact=self.contact, flow=self.root.name, outcome=outcome, cause=cursor.fault))
        message = cursor.message is not None
        self.ask(FlowFinished(outcome=outcome, call_back=cursor.call_back, message=message))
