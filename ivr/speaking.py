"""The part of the interpreter that speaks: render a prompt, play it, take the failure path."""

from __future__ import annotations

from ccplatform.contracts.flows import PlayPrompt
from ccplatform.contracts.media import PlayItem
from ccplatform.contracts.words import PlaybackId
from ivr.errors import UnspeakableValue
from ivr.model import PlaySounds, SpeakingNode, Survey
from ivr.prompts import Piece, sounds_of
from ivr.run import Run
from ivr.session import Phase
from ivr.sub_flows import sub_flow_failed
from ivr.work import Render

#: How long the sound of a prompt may take to come, seconds.
RENDER_SECONDS = 6.0


def speak(run: Run, node: SpeakingNode) -> None:
    """Ask for the sound of the node's prompt."""
    cursor = run.cursor
    try:
        pieces = _pieces(run, node)
    except UnspeakableValue:
        prompt_failed(run, "unspeakable_value")
        return
    cursor.ticket += 1
    cursor.phase, cursor.deadline = Phase.RENDERING, run.now + RENDER_SECONDS
    run.out.append(Render(ticket=cursor.ticket, pieces=pieces))


def play(run: Run, items: tuple[PlayItem, ...]) -> None:
    """The sound is there: play it; the first prompt after a query is its result."""
    cursor = run.cursor
    cursor.phase, cursor.deadline = Phase.PLAYING, None
    result, cursor.result = cursor.result, None
    cursor.result_plays = result is not None and result.found
    run.ask(
        PlayPrompt(
            playback=playback_of(run),
            items=items,
            query_keyed_at=result.keyed_at if result else None,
            query=(result.node, result.source) if result else None,
        )
    )


def playback_of(run: Run) -> PlaybackId:
    """The id of the playback that the session waits for."""
    return PlaybackId(f"{run.contact}/{run.cursor.ticket}")


def prompt_failed(run: Run, cause: str) -> None:
    """Go to the node's failure path, else, once a session, to the flow's, else to that of the flow that runs this
    one, else give up."""
    cursor, node = run.cursor, run.node
    cursor.fault = cursor.fault or cause
    if cursor.result is not None:
        run.query_unheard(cursor.result)
    run.drop_result()
    own = node.on_error if isinstance(node, SpeakingNode) else None
    if own is not None:
        run.next = own
    elif run.flow.on_error is not None and not cursor.fell:
        cursor.fell = True
        run.next = run.flow.on_error
    elif not sub_flow_failed(run):
        run.give_up(cause)


def _pieces(run: Run, node: SpeakingNode) -> tuple[Piece, ...]:
    cursor, prompts = run.cursor, run.at.prompts
    if isinstance(node, PlaySounds):
        return sounds_of(node, cursor.last_message)
    asked = prompts[f"questions.{cursor.question}.prompt" if isinstance(node, Survey) else "prompt"]
    pieces = asked.pieces(run.languages, cursor.variables)
    if not cursor.tries:
        return pieces
    hint = (prompts.get("hint_silent") if cursor.silent else None) or prompts.get("hint")
    return pieces if hint is None else hint.pieces(run.languages, cursor.variables) + pieces
