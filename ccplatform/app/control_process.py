"""The control process as one object: its parts, whether it takes calls, and its own alarms."""

from __future__ import annotations

from dataclasses import dataclass, field

from acd.administration import Administration
from acd.callbacks.service import CallBackService
from acd.service import AcdService
from ccplatform.app.link_server import LinkServer
from ccplatform.app.recorder import Recording
from ccplatform.app.settings import Settings
from ccplatform.app.speech import Speaking
from ccplatform.app.voice_mail import MessageLight
from ccplatform.calls.calling_store import CallingStore
from ccplatform.calls.service import CallService
from ccplatform.contracts.facts import Fact
from ccplatform.contracts.words import ReleaseCause, Severity
from ccplatform.kernel.stream import Stream
from ccplatform.operations.retention import Retention
from ccplatform.operations.service import AlarmService
from ccplatform.operations.store import AlarmStore
from ccplatform.storage.journal import JournalWriter
from cti.live import LiveView
from gateway.access import SipAccess
from gateway.media.client import MediaPool
from gateway.sip.overload import Level, LevelChanged
from ivr.service import FlowService
from recording.messages.service import MessageService

#: What each level of overload control does.
RESTRICTIONS = {
    Level.DIRECTIONS: "calls of low-priority directions are refused",
    Level.ORDINARY: "ordinary callers are refused, as many as must be",
    Level.ESSENTIAL: "only emergency and VIP numbers are sure to get in",
}


class StreamFacts:
    """The Facts port on the stream: ``record`` numbers a fact and tells everyone."""

    def __init__(self, stream: Stream[Fact]) -> None:
        self.record = stream.publish


@dataclass(slots=True, kw_only=True)
class ControlProcess:
    """The parts of the control process, wired."""

    settings: Settings
    stream: Stream[Fact]
    live: LiveView
    alarms: AlarmService
    alarm_store: AlarmStore
    journal: JournalWriter
    retention: Retention
    media: MediaPool
    gateway: SipAccess
    acd: AcdService
    administration: Administration
    call_backs: CallBackService
    speech: Speaking
    recording: Recording
    messages: MessageService
    message_light: MessageLight
    calls: CallService
    calling: CallingStore
    link: LinkServer = field(init=False)
    draining: bool = False

    @property
    def flows(self) -> FlowService:
        """The flow service."""
        return self.speech.flows

    @property
    def worker_ready(self) -> bool:
        """Whether any media worker takes calls."""
        return self.media.connected

    async def load_recording_rules(self) -> None:
        """Take the rules that people keep; what parties are told by them is spoken beforehand."""
        await self.recording.load_rules()
        for text in self.recording.service.announcements():
            self.speech.whispers.prepare(text)

    def refuses_calls(self) -> ReleaseCause | None:
        """Why no new call may come in now; None: they may."""
        if self.draining or self.journal.full or not self.worker_ready:
            return ReleaseCause.UNAVAILABLE
        return None

    def database_changed(self, available: bool) -> None:
        """PostgreSQL went away or is back."""
        if available:
            self.alarms.clear_alarm("database_unavailable", "")
        else:
            text = "PostgreSQL cannot be reached; calls go on, facts wait, changes are refused"
            self.alarms.raise_alarm("database_unavailable", "", Severity.URGENT, text)

    def overload_changed(self, change: LevelChanged) -> None:
        """Overload control restricts calls more, or less (R10.4.f): an alarm at each change of level."""
        self.alarms.clear_alarm("overload", "")
        if change.level:
            severity = Severity.NON_URGENT if change.level is Level.DIRECTIONS else Severity.URGENT
            text = f"overload level {change.level:d}: {RESTRICTIONS[change.level]}; {change.reason}"
            self.alarms.raise_alarm("overload", "", severity, text)

    def web_clients(self, count: int) -> None:
        """The web process linked or went away."""
        if count:
            self.alarms.clear_alarm("web_unavailable", "")
        elif not self.draining:
            text = "the web process is away: pages, REST and metrics do not answer"
            self.alarms.raise_alarm("web_unavailable", "", Severity.NON_URGENT, text)
