"""The part of the interpreter that takes keys: the running input, keys ahead, tries and their hints."""

from __future__ import annotations

from ccplatform.contracts.facts import KeysEntered, SurveyAnswered
from ccplatform.contracts.flows import FlowDigit, InputCompleted
from ivr.keys import KEYS, MOST_KEYS_AHEAD, Verdict, digits_of, fits, judge, judge_pause
from ivr.model import AskingNode, Collect, Menu, Speech, Survey
from ivr.run import Run
from ivr.session import Key, Phase
from ivr.speaking import speak

#: How long after an input complete by its length a terminator still belongs to it, seconds.
SWALLOW_SECONDS = 4.0


def keep_key(run: Run, event: FlowDigit) -> bool:
    """Put a key behind those that wait; False when it is none, one too many, or belongs to the last input."""
    cursor = run.cursor
    if event.digit not in KEYS:
        return False
    late = cursor.keyed_at is None or event.ended_at - cursor.keyed_at > SWALLOW_SECONDS
    swallowed, cursor.swallow = event.digit == cursor.swallow and not late, ""
    if swallowed or len(cursor.keys_ahead) >= MOST_KEYS_AHEAD:
        return False
    cursor.keys_ahead.append(Key(digit=event.digit, ended_at=event.ended_at))
    return True


def listen(run: Run, node: AskingNode) -> None:
    """The prompt is over or was skipped: wait for keys, the ones that wait already first."""
    run.cursor.phase = Phase.LISTENING
    run.cursor.deadline = run.now + node.timeout
    take_keys(run, node)


def take_keys(run: Run, node: AskingNode) -> None:
    """Give the input the keys that wait, one by one, until it is complete."""
    cursor = run.cursor
    while cursor.keys_ahead and cursor.phase is Phase.LISTENING and run.next is None:
        key = cursor.keys_ahead.pop(0)
        verdict = judge(run.flow, node, cursor.question, cursor.typed, key)
        if verdict is Verdict.CLEARED:
            cursor.typed, cursor.deadline = [], run.now + node.timeout
            continue
        terminates = isinstance(node, Collect) and key.digit == node.terminator
        if not terminates:
            cursor.typed.append(key)
        if verdict is not Verdict.MORE:
            if isinstance(node, Collect) and verdict is Verdict.DONE and not terminates:
                _swallow(run, node.terminator or "")
            _complete(run, node, key, verdict)
        elif isinstance(node, Collect):
            cursor.deadline = run.now + node.digit_timeout


def pause(run: Run, node: AskingNode) -> None:
    """No further key came in time."""
    typed = run.cursor.typed
    if typed:
        _complete(run, node, typed[-1], judge_pause(node, typed))
    else:
        in_vain(run, node, silent=True)


def _swallow(run: Run, terminator: str) -> None:
    """An input complete by its length: the terminator that people press after it belongs to it."""
    ahead = run.cursor.keys_ahead
    if ahead and ahead[0].digit == terminator:
        del ahead[0]
    elif not ahead:
        run.cursor.swallow = terminator


def _complete(run: Run, node: AskingNode, key: Key, verdict: Verdict) -> None:
    cursor = run.cursor
    digits = digits_of(cursor.typed)
    secure = isinstance(node, Collect) and node.secure
    run.ask(InputCompleted(node=cursor.node, keyed_at=key.ended_at))
    told = "" if secure else digits
    run.tell(KeysEntered(contact=run.contact, node=cursor.node, length=len(digits), keys=told))
    cursor.keyed_at = key.ended_at
    misfit = isinstance(node, Collect) and not fits(node, digits, cursor.variables)
    if verdict is Verdict.WRONG or misfit:
        in_vain(run, node, silent=False)
        return
    cursor.chosen_at = key.ended_at
    cursor.typed = []
    match node:
        case Menu():
            run.next = run.flow.choice_of(node, digits)
        case Collect():
            cursor.variables[node.variable] = digits
            (cursor.secure.add if secure else cursor.secure.discard)(node.variable)
            run.next = node.next
        case Survey():
            _answered(run, node, int(digits))
        case Speech():
            take_answer(run, node, node.keys[digits], 100, alternative="")


def _answered(run: Run, node: Survey, score: int) -> None:
    """An answer of a survey: the next question, or its end."""
    cursor = run.cursor
    question = node.questions[cursor.question]
    run.tell(
        SurveyAnswered(
            contact=run.contact, survey=node.survey, question=question.name, score=score, scale=question.scale
        )
    )
    cursor.question += 1
    cursor.tries, cursor.silent = 0, False
    if cursor.question == len(node.questions):
        cursor.delivered = True
        run.next = node.next
    elif not cursor.keys_ahead or not node.barge_in:
        speak(run, node)


def take_answer(run: Run, node: Speech, answer: str, percent: int, *, alternative: str) -> None:
    """What he said, or the key that means it."""
    cursor = run.cursor
    for name, value in (
        (node.variable, answer),
        (node.confidence, str(percent)),
        (node.alternative, alternative),
    ):
        if name is not None:
            cursor.variables[name] = value
            cursor.secure.discard(name)
    run.next = node.on_unsure if node.on_unsure is not None and percent < node.sure else node.next


def in_vain(run: Run, node: AskingNode, *, silent: bool) -> None:
    """One more try was in vain: what was typed ahead is not to be trusted either."""
    cursor = run.cursor
    cursor.typed, cursor.keys_ahead = [], []
    cursor.uttered_at = None
    cursor.tries += 1
    cursor.silent = silent
    if cursor.tries > node.retries:
        cursor.chosen_at = None
        run.next = node.fallback
    else:
        speak(run, node)
