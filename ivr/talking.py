"""The part of the interpreter that lets a voice bot talk with the caller.

A talk is asked for when its node is entered. When the bot is ready, the caller's sound is tapped for it and its
own is played as a stream, until it hands him over, is done with him, fails, or the time is up. Only then the
session goes on; a talk that a restart of control broke is taken up again by another connection.
"""

from __future__ import annotations

from ccplatform.contracts.facts import BotTalkBegan, BotTurn
from ccplatform.contracts.flows import FlowTapEnded, FlowVoiceChanged, PlayPrompt, StopPrompt, TapCaller
from ccplatform.contracts.media import StreamItem
from ivr.model import Bot
from ivr.run import Run
from ivr.session import Phase
from ivr.speaking import playback_of
from ivr.work import BotDone, BotFailed, BotReady, BotResult, BotSaid, BotSounds, BotVoice, OpenBot, TellKey

#: How long a bot may take to be ready, seconds; its connection has a limit of its own, which is shorter.
READY_SECONDS = 10.0


def enter_bot(run: Run, node: Bot) -> None:
    """Ask for the bot; keys that were pressed ahead are forgotten."""
    cursor = run.cursor
    run.drop_result()
    cursor.keys_ahead = []
    cursor.talked_at, cursor.turns = run.now, 0
    _open(run, node, resumed=False)


def resume_bot(run: Run, node: Bot) -> None:
    """After a restart: the connection is gone, the talk may go on over another."""
    run.ask(StopPrompt())
    _open(run, node, resumed=True)


def bot_went_on(run: Run, node: Bot, event: BotResult) -> None:
    """News of the talk; of another than the present one they are late."""
    cursor = run.cursor
    if not cursor.talks or event.talk != cursor.talk:
        return
    match event:
        case BotReady():
            cursor.deadline = _until(run, node)
            run.ask(TapCaller(tap=_tap(run), path=event.path, rate=event.rate))
            _play(run, event.sound, event.rate)
            cursor.bot_rate = event.rate
        case BotSounds():
            _play(run, event.sound, cursor.bot_rate)
        case BotSaid():
            cursor.turns += 1
            run.tell(
                BotTurn(
                    contact=run.contact,
                    node=cursor.node,
                    number=cursor.turns,
                    speaker=event.speaker,
                    text=event.text,
                )
            )
        case BotDone():
            _done(run, node, event)
        case BotFailed(cause=cause):
            _failed(run, node, cause)


def bot_key(run: Run, digit: str) -> None:
    """A key is the bot's."""
    run.out.append(TellKey(talk=run.cursor.talk, digit=digit))


def bot_voice(run: Run, event: FlowVoiceChanged) -> None:
    """He speaks, or fell silent."""
    run.out.append(BotVoice(talk=run.cursor.talk, speaking=event.speaking, at=event.at))


def bot_due(run: Run, node: Bot) -> None:
    """It was not ready in time, or the longest talk is over."""
    if run.now < _until(run, node):
        _failed(run, node, "bot_unavailable")
    else:
        run.stop_talking("timeout")
        run.next = node.on_timeout


def bot_unheard(run: Run, node: Bot, event: FlowTapEnded) -> None:
    """The caller's sound reaches the bot no more."""
    if event.tap == _tap(run):
        _failed(run, node, "tap_ended")


def bot_silent(run: Run, node: Bot) -> None:
    """What the bot says cannot be played any more."""
    _failed(run, node, "playback_failed")


def _open(run: Run, node: Bot, *, resumed: bool) -> None:
    cursor = run.cursor
    cursor.talk += 1
    cursor.talks = True
    cursor.phase = Phase.TALKING
    until = _until(run, node)
    cursor.deadline = min(until, run.now + READY_SECONDS)
    told = {name: cursor.variables.get(name, "") for name in node.variables if name not in cursor.secure}
    run.tell(BotTalkBegan(contact=run.contact, node=cursor.node, bot=node.bot, resumed=resumed))
    run.out.append(
        OpenBot(
            talk=cursor.talk,
            bot=node.bot,
            language=run.languages[0],
            max_seconds=max(0.0, until - run.now),
            resumed=resumed,
            barge_in=node.barge_in,
            variables=told,
        )
    )


def _play(run: Run, sound: str, rate: int) -> None:
    run.cursor.ticket += 1
    run.ask(PlayPrompt(playback=playback_of(run), items=(StreamItem(path=sound, rate=rate),)))


def _done(run: Run, node: Bot, event: BotDone) -> None:
    target = node.on_end if event.to is None else node.on_transfer.get(event.to)
    if target is None:
        _failed(run, node, "no_such_transfer")
        return
    cursor = run.cursor
    values = {
        variable: event.variables[name] for variable, name in node.results.items() if name in event.variables
    }
    if node.outcome is not None:
        values[node.outcome] = event.outcome if event.to is None else event.to
    for variable, value in values.items():
        cursor.variables[variable] = value
        cursor.secure.discard(variable)
    cursor.delivered = cursor.delivered or event.to is None
    run.stop_talking("end" if event.to is None else "transfer", event.outcome if event.to is None else event.to)
    run.next = target


def _failed(run: Run, node: Bot, cause: str) -> None:
    run.stop_talking("error", cause)
    run.next = node.on_error


def _tap(run: Run) -> str:
    return f"{run.contact}/bot-{run.cursor.talk}"


def _until(run: Run, node: Bot) -> float:
    began = run.cursor.talked_at
    return (run.now if began is None else began) + node.max_seconds
