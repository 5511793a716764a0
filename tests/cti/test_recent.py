"""What is kept of callers in flows while they are here."""

from __future__ import annotations

from ccplatform.contracts.facts import Fact
from ccplatform.contracts.words import ContactId
from cti.recent import MOST_FACTS, RecentFacts
from tests.cti import story
from tests.cti.test_path import at, keyed, told

CONTACT = ContactId("contact-1")


def recent(*facts: Fact) -> RecentFacts:
    kept = RecentFacts()
    for event in told(*facts):
        kept.apply(event)
    return kept


def kept_of(kept: RecentFacts) -> list[Fact] | None:
    events = kept.of(CONTACT)
    return None if events is None else [event.fact for event in events]


def test_a_contact_is_known_from_its_arrival_to_its_end() -> None:
    kept = recent(story.arrived(1), at("menu"), keyed("menu", "2"), story.queued(1))
    assert kept_of(kept) == [at("menu"), keyed("menu", "2")]
    assert kept_of(recent(story.arrived(1), at("menu"), story.ended(1))) is None


def test_of_what_was_here_before_or_may_have_been_missed_nothing_is_claimed() -> None:
    assert kept_of(recent(at("menu"))) is None
    kept = recent(story.arrived(1), at("menu"))
    kept.relinked()
    assert kept_of(kept) is None


def test_a_caller_who_walks_in_circles_fills_no_memory() -> None:
    kept = recent(story.arrived(1), *(at(f"node-{n}") for n in range(MOST_FACTS + 10)))
    facts = kept_of(kept)
    assert facts is not None
    assert facts == [at(f"node-{n}") for n in range(10, MOST_FACTS + 10)]
