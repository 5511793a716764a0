"""What a session waits for, as a page shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ivr.keys import KEYS
from ivr.model import Bot, Collect, EnterQueueNode, Flow, Menu, Node, Record, Speech, Survey, Wait
from ivr.session import Phase
from ivr.simulator.model import Awaited, AwaitedBot

_SAID = (Phase.RENDERING, Phase.PLAYING)
_HEARD = (*_SAID, Phase.LISTENING)


def awaited(flow: Flow, parts: Mapping[str, Flow], state: Mapping[str, Any]) -> Awaited | None:
    """What the session of a snapshot waits for; None: nothing any more."""
    phase = Phase(state["phase"])
    running = parts.get(state["flow"], flow) if state["flow"] else flow
    node = running.nodes.get(state["node"])
    if node is None or phase is Phase.ENDED:
        return None
    listens = isinstance(node, Speech) and phase in _HEARD and not state["deaf"]
    language = running.spoken_languages(node, state["language"])[0] if listens else None
    answers = node.answers if isinstance(node, Speech) else None
    phrases = None
    if language is not None and answers is not None:
        phrases = sorted({phrase for one in answers.get(language, {}).values() for phrase in one})
    return Awaited(
        phase=phase,
        keys=_keys(running, node, phase, state["question"]),
        secret=isinstance(node, Collect) and node.secure,
        barge_in=phase in _SAID and bool(getattr(node, "barge_in", False)),
        language=language,
        phrases=phrases,
        pause=node.pause if isinstance(node, Speech) else 0.8,
        bot=_bot(node) if isinstance(node, Bot) and phase is Phase.TALKING else None,
    )


def _bot(node: Bot) -> AwaitedBot:
    return AwaitedBot(bot=node.bot, transfers=[*node.on_transfer], variables=sorted(set(node.results.values())))


def _keys(flow: Flow, node: Node, phase: Phase, question: int) -> list[str]:
    match node:
        case Menu() if phase in _HEARD:
            return sorted({*node.choices, *flow.shortcuts})
        case Collect() if phase in _HEARD:
            return sorted({*"0123456789", *filter(None, (node.terminator, node.restart))})
        case Survey() if phase in _HEARD:
            return [str(score) for score in range(1, node.questions[question].scale + 1)]
        case Speech() if phase in _HEARD:
            return sorted(node.keys)
        case Record() if phase is Phase.RECORDING and node.terminator:
            return [node.terminator]
        case EnterQueueNode() if phase is Phase.HANDED_ON:
            return sorted(node.choices)
        case Wait() if node.barge_in:
            return sorted(KEYS)
        case _:
            return []
