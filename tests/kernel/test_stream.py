from __future__ import annotations

from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.stream import Event, Stream


def _stream() -> tuple[VirtualClock, Stream[str]]:
    clock = VirtualClock()
    return clock, Stream(clock, Ids(clock), "default")


def test_facts_are_numbered_from_one_and_stamped() -> None:
    clock, stream = _stream()
    first = stream.publish("a")
    clock.advance(2)
    second = stream.publish("b")
    assert [(e.seq, e.fact, e.epoch) for e in (first, second)] == [(1, "a", stream.epoch), (2, "b", stream.epoch)]
    assert second.mono - first.mono == 2.0
    assert (second.at - first.at).total_seconds() == 2.0
    assert first.id < second.id


def test_subscribers_are_told_in_the_order_of_subscription_before_publish_returns() -> None:
    _, stream = _stream()
    told: list[tuple[str, str]] = []
    stream.subscribe(lambda event: told.append(("first", event.fact)))
    stream.subscribe(lambda event: told.append(("second", event.fact)))
    stream.publish("a")
    assert told == [("first", "a"), ("second", "a")]


def test_an_ended_subscription_gets_nothing_more() -> None:
    _, stream = _stream()
    told: list[Event[str]] = []
    unsubscribe = stream.subscribe(told.append)
    stream.publish("a")
    unsubscribe()
    unsubscribe()
    stream.publish("b")
    assert [event.fact for event in told] == ["a"]


def test_a_subscriber_gets_the_types_that_it_wants() -> None:
    clock = VirtualClock()
    stream: Stream[str | int] = Stream(clock, Ids(clock), "default")
    texts: list[str | int] = []
    everything: list[str | int] = []
    stop = stream.subscribe(lambda event: texts.append(event.fact), lambda kind: kind is str)
    stream.publish("a")
    stream.subscribe(lambda event: everything.append(event.fact))
    stream.publish(1)
    stream.publish("b")
    stop()
    stream.publish("c")
    assert (texts, everything) == (["a", "b"], [1, "b", "c"])
