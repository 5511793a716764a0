from __future__ import annotations

from ccplatform.contracts.facts import TrunkChannelsChanged
from ccplatform.contracts.words import TrunkId
from ccplatform.kernel.clock import VirtualClock
from gateway.sip.channel_news import GATHER_SECONDS, ChannelNews
from tests.gateway.sip.centre import FactList

A, B = TrunkId("a"), TrunkId("b")


def told(facts: FactList) -> list[tuple[TrunkId, int]]:
    return [(fact.trunk, fact.in_use) for fact in facts.all if isinstance(fact, TrunkChannelsChanged)]


def test_a_change_is_told_at_once_and_those_that_follow_it_together() -> None:
    clock, facts = VirtualClock(), FactList()
    news = ChannelNews(clock=clock, facts=facts)
    for in_use in (1, 2, 3):
        news.changed(A, in_use, 30)
    assert told(facts) == [(A, 1)]
    news.changed(B, 1, 30)
    assert told(facts) == [(A, 1), (B, 1)]
    clock.advance(GATHER_SECONDS)
    assert told(facts) == [(A, 1), (B, 1), (A, 3)]


def test_after_a_calm_time_a_change_is_told_at_once_again() -> None:
    clock, facts = VirtualClock(), FactList()
    news = ChannelNews(clock=clock, facts=facts)
    news.changed(A, 1, 30)
    clock.advance(GATHER_SECONDS)
    news.changed(A, 0, 30)
    assert told(facts) == [(A, 1), (A, 0)]


def test_what_came_back_to_what_was_told_is_no_news() -> None:
    clock, facts = VirtualClock(), FactList()
    news = ChannelNews(clock=clock, facts=facts)
    for in_use in (1, 2, 1):
        news.changed(A, in_use, 30)
    clock.advance(1)
    assert told(facts) == [(A, 1)]
    news.changed(A, 1, 60)  # the capacity is another
    assert [fact for fact in facts.all][1:] == [TrunkChannelsChanged(trunk=A, in_use=1, capacity=60)]


def test_a_closed_one_tells_nothing_more() -> None:
    clock, facts = VirtualClock(), FactList()
    news = ChannelNews(clock=clock, facts=facts)
    news.changed(A, 1, 30)
    news.changed(A, 2, 30)
    news.close()
    clock.advance(1)
    assert told(facts) == [(A, 1)]
