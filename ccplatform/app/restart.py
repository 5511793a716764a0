"""After a restart of control: calls that the media workers kept are taken back, the others get their end."""

from __future__ import annotations

import structlog

from ccplatform.app.control_process import ControlProcess
from ccplatform.app.foundation import Foundation
from ccplatform.calls.store import ContactStore
from ccplatform.contracts.media import ForgetCall
from ccplatform.contracts.words import ContactId, Severity

_log = structlog.get_logger("restart")


async def take_back_calls(control: ControlProcess, ground: Foundation) -> None:
    """Restore every surviving call and end every lost contact."""
    survivors = control.media.survivors()
    kept: set[str] = set()
    for survivor in survivors:
        contact = control.calls.restore(survivor)
        if contact is None:
            control.media.perform(ForgetCall(call=survivor.call))
        else:
            kept.add(contact)
    contacts = ContactStore(ground.database, tenant=ground.tenant, digest=ground.caller_digest)
    now = ground.clock.wall()
    lost = [row for row in await contacts.open_contacts() if str(row["id"]) not in kept]
    for row in lost:
        seconds = max(0.0, (now - row["started_at"]).total_seconds())
        control.calls.end_lost_contact(
            ContactId(str(row["id"])), dialled=row["dialled"], trunk=row["trunk"], total_seconds=seconds
        )
    await control.recording.service.repair(control.calls.open_recordings())
    if survivors or lost:
        _log.warning("control came back", calls_taken_back=len(kept), contacts_lost=len(lost))
        _tell_restart(control, len(kept), len(lost))


def _tell_restart(control: ControlProcess, kept: int, lost: int) -> None:
    """The newest restart is the one that is up."""
    severity = Severity.URGENT if lost else Severity.NON_URGENT
    text = f"control died and is back: {kept} calls were taken back, {lost} were lost"
    control.alarms.clear_alarm("control_restarted", "")
    control.alarms.raise_alarm("control_restarted", "", severity, text)
