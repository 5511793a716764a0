"""The part of the interpreter that speaks to waiting callers: comfort, their position, the wait to be expected.

The announcements of a queue node are said in turn, over and over. Before each the caller's place in line is asked
for; what is not known by then is passed over.
"""

from __future__ import annotations

from ccplatform.contracts.flows import PlayPrompt
from ivr.errors import UnspeakableValue
from ivr.model import EnterQueueNode
from ivr.run import Run
from ivr.speaking import playback_of
from ivr.work import AskPlace, PlaceFound, Render, Rendered, WorkResult


def begin_announcing(run: Run, node: EnterQueueNode) -> None:
    """The caller begins to wait."""
    run.cursor.announced = 0
    run.cursor.deadline = run.now + node.announce_after if node.announcements else None


def announce_later(run: Run, node: EnterQueueNode) -> None:
    """The next announcement is some time away."""
    run.cursor.deadline = run.now + node.announce_every if node.announcements else None


def ask_place(run: Run) -> None:
    """It is time for an announcement: where is he in line?"""
    run.cursor.ticket += 1
    run.cursor.deadline = None
    run.out.append(AskPlace(ticket=run.cursor.ticket))


def announce(run: Run, node: EnterQueueNode, event: WorkResult) -> None:
    """An answer to what the announcement needed; whatever failed, the next one comes in its time."""
    match event:
        case PlaceFound(position=position, wait_minutes=minutes) if position:
            run.cursor.variables["position"] = str(position)
            run.cursor.variables["wait_minutes"] = "" if minutes is None else str(minutes)
            _say(run, node)
        case Rendered(items=items):
            run.ask(PlayPrompt(playback=playback_of(run), items=items))
            announce_later(run, node)
        case _:
            announce_later(run, node)


def _say(run: Run, node: EnterQueueNode) -> None:
    """Ask for the sound of the next announcement that can be said now."""
    cursor = run.cursor
    for _ in node.announcements:
        prompt = run.at.prompts[f"announcements.{cursor.announced % len(node.announcements)}"]
        cursor.announced += 1
        try:
            pieces = prompt.pieces(run.languages, cursor.variables)
        except UnspeakableValue:
            continue
        cursor.ticket += 1
        run.out.append(Render(ticket=cursor.ticket, pieces=pieces))
        return
    announce_later(run, node)
