"""The part of the interpreter that hears what callers say at ``speech`` nodes.

A recogniser is made ready when the node is entered (a *hearing*), so that a caller may speak into the prompt. The
media engine tells when he begins to speak and when he falls silent; between the two lies an *utterance*, which the
recogniser is asked about at its end. A hearing serves all tries of its node. Whatever goes wrong with it leaves
the keys, where the node has some, else the way of the error.
"""

from __future__ import annotations

from ccplatform.contracts.facts import SpeechHeard
from ccplatform.contracts.flows import FlowTapEnded, FlowVoiceChanged, StopPrompt, TapCaller
from ivr.listening import in_vain, listen, take_answer
from ivr.model import Speech
from ivr.numbers import Language
from ivr.run import Run
from ivr.session import Phase
from ivr.speaking import speak
from ivr.work import (
    EndUtterance,
    HearingFailed,
    HearingReady,
    HearingResult,
    HearUtterance,
    OpenHearing,
    SpeechFound,
)

#: A voice of this length stops the prompt, seconds: an echo or a cough is shorter.
BARGE_IN_SECONDS = 0.25
#: How long a recogniser may think, seconds; it has limits of its own, which are shorter.
ANSWER_SECONDS = 6.0
#: Longest answer that is kept as a variable, characters.
LONGEST_ANSWER = 1000


def enter_speech(run: Run, node: Speech) -> None:
    """Make a recogniser ready, and speak, unless keys wait already."""
    _begin_hearing(run, node)
    if run.cursor.keys_ahead and node.barge_in and node.keys:
        run.drop_result()
        listen_to_speech(run, node)
    else:
        speak(run, node)


def hearing_went_on(run: Run, event: HearingResult | FlowTapEnded) -> None:
    """News of the recogniser; of another than the present one they are late."""
    cursor = run.cursor
    node = run.node if cursor.hears else None
    if not isinstance(node, Speech):
        return
    match event:
        case FlowTapEnded(tap=tap):
            if tap == tap_of(run):
                _hearing_failed(run, node)
        case _ if event.hearing != cursor.hearing:
            pass
        case HearingReady():
            run.ask(TapCaller(tap=tap_of(run), path=event.path, rate=event.rate))
        case SpeechFound():
            _speech_found(run, node, event)
        case HearingFailed():
            _hearing_failed(run, node)


def tap_of(run: Run) -> str:
    """By what the media engine knows the present hearing."""
    return f"{run.contact}/{run.cursor.hearing}"


def _begin_hearing(run: Run, node: Speech) -> None:
    cursor = run.cursor
    language = run.languages[0]
    phrases = None if node.answers is None else _phrases(node, language)
    cursor.speaking_at = cursor.uttered_at = None
    cursor.deaf = phrases == ()
    if cursor.deaf:
        return
    cursor.hearing += 1
    cursor.hears = True
    run.out.append(
        OpenHearing(
            hearing=cursor.hearing,
            language=language,
            phrases=phrases,
            alternatives=1 if not node.alternative else 3,
        )
    )


def listen_to_speech(run: Run, node: Speech) -> None:
    """The prompt is over or was stopped: keys that wait come first, then who speaks already."""
    cursor = run.cursor
    listen(run, node)
    if cursor.phase is not Phase.LISTENING or run.next is not None:
        return
    if cursor.deaf and not node.keys:
        run.next = node.on_error
    elif cursor.speaking_at is not None:
        _begin_utterance(run, node, cursor.speaking_at)


def voice_heard(run: Run, node: Speech, event: FlowVoiceChanged) -> None:
    """He speaks, or fell silent; his echo of the prompt is told from him by its shortness."""
    cursor = run.cursor
    cursor.speaking_at = event.at if event.speaking else None
    if cursor.deaf:
        return
    if cursor.phase is Phase.PLAYING and node.barge_in:
        cursor.deadline = event.at + BARGE_IN_SECONDS if event.speaking else None
    elif cursor.phase is Phase.LISTENING and cursor.uttered_at is not None:
        longest = cursor.uttered_at + node.max_seconds
        cursor.deadline = longest if event.speaking else min(longest, event.at + node.pause)
        cursor.silent_at = None if event.speaking else event.at
    elif cursor.phase is Phase.LISTENING and event.speaking:
        _begin_utterance(run, node, event.at)


def voice_due(run: Run, node: Speech) -> None:
    """He spoke into the prompt for long enough; he was silent, or spoke, for long enough; no answer came."""
    cursor = run.cursor
    if cursor.phase is Phase.PLAYING:
        run.ask(StopPrompt())
        run.drop_result()
        cursor.ticket += 1
        listen_to_speech(run, node)
    elif cursor.phase is Phase.RECOGNISING:
        _hearing_failed(run, node)
    elif cursor.uttered_at is None:
        in_vain(run, node, silent=True)
    else:
        cursor.phase, cursor.deadline = Phase.RECOGNISING, run.now + ANSWER_SECONDS
        cursor.uttered_at = None
        run.out.append(EndUtterance(hearing=cursor.hearing))


def _speech_found(run: Run, node: Speech, event: SpeechFound) -> None:
    """The recogniser's answer: is it one of ours, and sure enough?"""
    cursor = run.cursor
    if cursor.phase is not Phase.RECOGNISING:
        return
    ended_at = cursor.silent_at if cursor.silent_at is not None else run.now
    found = _answers(run, node, event)
    answer, percent = found[0] if found else ("", 0)
    understood = bool(found) and percent >= node.least
    run.tell(
        SpeechHeard(
            contact=run.contact,
            node=cursor.node,
            understood=understood,
            confidence=percent,
            response_seconds=max(0.0, run.now - ended_at),
            text=event.hypotheses[0].text[:LONGEST_ANSWER] if event.hypotheses else "",
        )
    )
    if not understood:
        in_vain(run, node, silent=False)
        return
    cursor.keyed_at = cursor.chosen_at = ended_at
    take_answer(run, node, answer, percent, alternative=found[1][0] if len(found) > 1 else "")


def _hearing_failed(run: Run, node: Speech) -> None:
    """Nobody hears him: the keys are left, or the way of the error."""
    cursor = run.cursor
    run.stop_hearing()
    cursor.deaf, cursor.uttered_at = True, None
    if cursor.phase is Phase.PLAYING:
        cursor.deadline = None
    if node.keys and cursor.phase is Phase.RECOGNISING:
        listen(run, node)
    elif not node.keys and cursor.phase in (Phase.PLAYING, Phase.LISTENING, Phase.RECOGNISING):
        if cursor.phase is Phase.PLAYING:
            run.ask(StopPrompt())
        run.next = node.on_error


def _begin_utterance(run: Run, node: Speech, at: float) -> None:
    cursor = run.cursor
    cursor.uttered_at, cursor.silent_at = at, None
    cursor.deadline = run.now + node.max_seconds
    run.out.append(HearUtterance(hearing=cursor.hearing, at=at))


def _phrases(node: Speech, language: Language) -> tuple[str, ...]:
    answers = (node.answers or {}).get(language, {})
    return tuple(dict.fromkeys(phrase for phrases in answers.values() for phrase in phrases))


def _answers(run: Run, node: Speech, event: SpeechFound) -> list[tuple[str, int]]:
    """The answers that the hypotheses mean, the likeliest first, with percent."""
    language = run.languages[0]
    meaning: dict[str, str] | None = None
    if node.answers is not None:
        ours = node.answers.get(language, {})
        meaning = {_plain(phrase): answer for answer, phrases in ours.items() for phrase in phrases}
    found: dict[str, int] = {}
    for one in event.hypotheses:
        text = one.text.strip()[:LONGEST_ANSWER]
        answer = text if meaning is None else meaning.get(_plain(text), "")
        if answer:
            found.setdefault(answer, round(100 * min(1.0, max(0.0, one.confidence))))
    return list(found.items())


def _plain(text: str) -> str:
    """Recognisers differ in case and, in Chinese, in the spaces between words."""
    return "".join(text.lower().split())
