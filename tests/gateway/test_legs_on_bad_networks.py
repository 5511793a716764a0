"""Two gateways over a network that loses, doubles, delays and reorders: every leg ends once, nothing stays."""

from __future__ import annotations

import asyncio
import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from ccplatform.contracts.legs import AnswerLeg, LegAnswered, LegEnded, LegOffered
from ccplatform.contracts.words import ReleaseCause
from ccplatform.kernel.clock import VirtualClock
from gateway.media.port import WorkerLost
from tests.gateway.sip.centre import Centre, to_trunk, trunk
from tests.gateway.sip.network import Network

fates = st.lists(
    st.one_of(
        st.just([]),
        st.just([0.01]),
        st.lists(st.floats(0.001, 2.0), min_size=1, max_size=2),
    ),
    max_size=25,
)
#: Who does something, what, and after how many seconds.
steps = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "caller releases",
                "called answers",
                "called releases",
                "caller's worker dies",
                "both workers die",
                "wait",
            ]
        ),
        st.sampled_from([0.0, 0.005, 0.02, 0.3, 1.0, 40.0]),
    ),
    max_size=6,
)


@settings(max_examples=150)
@given(fates, steps, st.booleans())
def test_whatever_the_network_does_legs_end_once_and_nothing_is_left(
    story: list[list[float]], actions: list[tuple[str, float]], answers_at_once: bool
) -> None:
    asyncio.run(play(story, actions, answers_at_once))


async def play(story: list[list[float]], actions: list[tuple[str, float]], answers_at_once: bool) -> None:
    clock = VirtualClock()
    network = Network(clock)
    coming = itertools.chain(iter(story), itertools.repeat([0.01]))
    network.fate = lambda _: next(coming)
    calling = Centre("10.0.0.1", clock, network.wire("10.0.0.1"), trunks=[trunk("far", "10.0.0.2")])
    called = Centre("10.0.0.2", clock, network.wire("10.0.0.2"), trunks=[trunk("near", "10.0.0.1")])
    await calling.open()
    await called.open()
    if answers_at_once:
        called.answers_everything(ring=True)
    else:
        called.rings_everything()
    leg = calling.dial(to_trunk("far"))
    for action, pause in actions:
        clock.advance(pause)
        offered = called.of(LegOffered)
        if action == "caller releases":
            calling.release(leg, ReleaseCause.CANCELLED)
        elif offered and action == "called answers":
            called.legs.perform(AnswerLeg(leg=offered[0].leg))
        elif offered and action == "called releases":
            called.release(offered[0].leg, ReleaseCause.BUSY)
        elif "die" in action:
            _worker_dies(calling)
            if action.startswith("both"):
                _worker_dies(called)
    clock.advance(100)
    calling.release(leg)
    clock.advance(700)
    assert len(calling.of(LegEnded)) == 1
    assert len(called.of(LegEnded)) == len(called.of(LegOffered)) <= 1
    for centre in (calling, called):
        assert len(centre.of(LegAnswered)) <= 1
        assert centre.is_clean()
        assert [event for event in centre.told if isinstance(event, LegEnded)] == centre.told[-1:]


def _worker_dies(centre: Centre) -> None:
    lost = tuple(centre.media.open)
    centre.media.open.clear()
    centre.legs.media_event(WorkerLost(worker=0, legs=lost))
