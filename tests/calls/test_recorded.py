"""Who is on which recording: the talk with the caller, consultations, conferences."""

from __future__ import annotations

from ccplatform.calls.inputs import RecordingBegan
from ccplatform.contracts.commands import SuperviseCall
from ccplatform.contracts.legs import LegHeld
from ccplatform.contracts.media import RecordParties, StopRecording
from ccplatform.contracts.words import ContactId, PartyAct, QueueId, RecordingId, SeatId, Supervision
from tests.calls.tape import Track, running, tracks
from tests.calls.test_consulting import act, asked_of_agent, consult, own
from tests.calls.test_saga import AGENT, SUPPORT, talking
from tests.calls.world import CALL, CALLER, CONTACT, WALL, World


def both(world: World) -> tuple[Track, Track]:
    """The caller's talk and the consultation."""
    first, second = running(world)
    return first, second


def supervise(world: World, what: Supervision) -> None:
    world.post(SuperviseCall(call=CALL, what=what, by="sup1", seat=SeatId("seat-09")))


def test_a_consultation_is_a_talk_of_its_own_of_which_the_callers_recording_has_nothing() -> None:
    world, agent, expert = asked_of_agent()
    caller, asked = both(world)
    assert (caller.left, caller.right) == ({CALLER}, set())
    assert (asked.left, asked.right) == ({agent}, {expert})
    assert (asked.talk.contact, asked.talk.about) == (own(world), CONTACT)
    assert (asked.talk.agent, asked.talk.queue, asked.talk.dialled) == (AGENT, SUPPORT, "somebody")


def test_a_queue_that_was_asked_decides_about_the_consultation() -> None:
    world, _, _ = asked_of_agent(queue=QueueId("experts"))
    assert both(world)[1].talk.queue == "experts"


def test_a_swap_takes_the_agent_to_the_other_recording() -> None:
    world, agent, expert = asked_of_agent()
    act(world, PartyAct.SWAP)
    caller, asked = both(world)
    assert (caller.right, asked.left, asked.right) == ({agent}, set(), {expert})
    act(world, PartyAct.SWAP)
    caller, asked = both(world)
    assert (caller.right, asked.left) == (set(), {agent})


def test_while_it_rings_nothing_changes() -> None:
    world = talking()
    consult(world)
    assert world.all_of(RecordParties) == []


def test_a_consultation_ends_its_recording_whatever_comes_of_it() -> None:
    for what in (PartyAct.COMPLETE, PartyAct.CANCEL, PartyAct.CONFERENCE):
        world, agent, _ = asked_of_agent()
        act(world, what)
        assert tracks(world)[RecordingId("rec-2")].stops == 1
        (left,) = running(world)
        assert left.talk.contact == CONTACT
        assert (agent in left.right) == (what is not PartyAct.COMPLETE)


def test_all_of_a_conference_are_mixed_on_one_side_and_leave_one_by_one() -> None:
    world, agent, expert = asked_of_agent()
    act(world, PartyAct.CONFERENCE)
    (talk,) = running(world)
    assert (talk.left, talk.right) == ({CALLER}, {agent, expert})
    world.leg_ends(expert)
    (talk,) = running(world)
    assert talk.right == {agent}


def test_from_a_conference_who_is_asked_is_heard_on_its_own_recording_alone() -> None:
    world, agent, expert = asked_of_agent()
    act(world, PartyAct.CONFERENCE)
    consult(world)
    world.answers(world.dialled_leg(), "13900000000")
    caller, asked = both(world)
    assert (caller.right, asked.left, asked.right) == ({expert}, {agent}, {world.dialled_leg()})


def test_who_has_the_conference_next_has_its_next_recording_with_all_who_stay() -> None:
    world, agent, expert = asked_of_agent()
    act(world, PartyAct.CONFERENCE)
    consult(world)
    third = world.dialled_leg()
    world.answers(third, "13900000000")
    act(world, PartyAct.CONFERENCE)
    world.leg_ends(agent)
    (talk,) = running(world)
    assert (talk.left, talk.right) == ({CALLER}, {expert, third})


def test_a_supervisor_is_recorded_while_all_hear_him() -> None:
    world = talking()
    agent = world.dialled_leg()
    supervise(world, Supervision.WHISPER)
    supervisor = world.dialled_leg()
    world.answers(supervisor)
    assert world.all_of(RecordParties) == []
    supervise(world, Supervision.BARGE)
    assert running(world)[0].right == {agent, supervisor}
    supervise(world, Supervision.MONITOR)
    assert running(world)[0].right == {agent}


def test_what_is_recorded_is_known_after_a_restart() -> None:
    world, agent, expert = asked_of_agent()
    data = world.core.snapshot(CALL, world.now, WALL)
    world.core.forget(CALL)
    world.core.restore(data, world.now, WALL)
    said = len(world.all_of(RecordParties))
    world.post(LegHeld(leg=expert, held=True))
    assert len(world.all_of(RecordParties)) == said
    act(world, PartyAct.SWAP)
    caller, asked = both(world)
    assert (caller.right, asked.left, asked.right) == ({agent}, set(), {expert})
    act(world, PartyAct.CANCEL)
    assert tracks(world)[RecordingId("rec-2")].stops == 1


def test_a_recording_of_a_talk_that_is_over_is_stopped() -> None:
    world, _, _ = asked_of_agent()
    gone = RecordingBegan(call=CALL, contact=ContactId("gone"), recording=RecordingId("late"))
    assert world.core.handle(gone, world.now) == [StopRecording(recording=RecordingId("late"))]


def test_a_talk_that_is_not_wanted_is_no_part_of_a_recording() -> None:
    world = talking()
    world.record = False
    consult(world)
    world.answers(world.dialled_leg(), "13900000000")
    caller = running(world)[0]  # the other was only asked for
    assert caller.right == set()
    act(world, PartyAct.CANCEL)
    assert running(world)[0].right == {world.talking_leg()}
