"""The recording policy: pure, and the same answer for the same talk whenever it is asked (R10.1.f)."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import assert_never

from ccplatform.contracts.recordings import Talk
from ccplatform.contracts.words import ContactId, RecordingMode
from recording.model import Policy, Rule


def decide(policy: Policy, talk: Talk, at: datetime) -> RecordingMode | None:
    """Why this talk is recorded, or None: it is not. ``at`` is the local time of its start.

    A consultation is a talk like others, where they are recorded; it shares the random fate of whom it is about. A
    talk that its flow asks to record is recorded (as ON_DEMAND) unless a rule says NEVER.
    """
    if talk.about is not None and not policy.consultations:
        return None
    rule = matching_rule(policy, talk, at)
    if rule is not None:
        mode = rule.mode if _takes(policy, rule, talk.about or talk.contact, at) else None
        never = rule.mode is RecordingMode.NEVER
    else:
        mode = policy.queue_default if talk.queue is not None else None
        never = mode is RecordingMode.NEVER
    if never:
        return None
    if mode in (None, RecordingMode.ON_DEMAND):
        return RecordingMode.ON_DEMAND if talk.asked or (talk.by and on_demand(policy, talk, at)) else None
    return mode


def on_demand(policy: Policy, talk: Talk, at: datetime) -> bool:
    """Whether the policy leaves it to people to record this talk; consultations are never theirs."""
    if talk.about is not None:
        return False
    rule = matching_rule(policy, talk, at)
    if rule is None:
        return talk.queue is not None and policy.queue_default is RecordingMode.ON_DEMAND
    return rule.mode is RecordingMode.ON_DEMAND


def announcement(policy: Policy, talk: Talk, at: datetime) -> str:
    """What the parties of a talk that is recorded are to hear of it; '': nothing.

    Who is consulted is of the centre and hears nothing.
    """
    rule = matching_rule(policy, talk, at)
    wanted = policy.announce if rule is None else rule.announce
    if not wanted or talk.about is not None:
        return ""
    texts = policy.announcements
    return texts.get(talk.language) or next(iter(texts.values()), "")


def matching_rule(policy: Policy, talk: Talk, at: datetime) -> Rule | None:
    """The first rule about this talk."""
    return next((rule for rule in policy.rules if _is_about(rule, talk, at)), None)


def sampled(contact: ContactId, percent: float, seed: str) -> bool:
    """Whether a contact is in the random sample of ``percent`` of all.

    A hash of the contact's id decides: unbiased, independent of everything known of the call, and repeatable
    by whoever knows the seed, so that a sample can be proved afterwards. All talks of a contact share its fate.
    """
    digest = hashlib.sha256(f"{seed}\x00{contact}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < percent / 100 * 2**64


def _is_about(rule: Rule, talk: Talk, at: datetime) -> bool:
    return (
        (rule.queues is None or talk.queue in rule.queues)
        and (rule.agents is None or talk.agent in rule.agents)
        and (rule.teams is None or talk.team in rule.teams)
        and (rule.dialled is None or talk.dialled in rule.dialled)
        and (rule.directions is None or talk.direction in rule.directions)
        and (rule.mode is RecordingMode.SCHEDULED or not rule.windows or _within(rule, at))
    )


def _takes(policy: Policy, rule: Rule, contact: ContactId, at: datetime) -> bool:
    match rule.mode:
        case RecordingMode.FULL:
            return True
        case RecordingMode.RANDOM:
            return sampled(contact, rule.percent, f"{policy.seed}\x00{rule.name}")
        case RecordingMode.SCHEDULED:
            return _within(rule, at)
        case RecordingMode.ON_DEMAND | RecordingMode.NEVER | RecordingMode.MESSAGE:
            return False
        case _:
            assert_never(rule.mode)


def _within(rule: Rule, at: datetime) -> bool:
    return any(window.holds(at) for window in rule.windows)
