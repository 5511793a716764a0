"""Who may call which number, what it reaches and which number is shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.calls.calling import CallsOut
from ccplatform.calls.dial_plan import CHINA, NumberClass, class_of, plain_number
from ccplatform.calls.errors import CannotCall
from ccplatform.calls.inputs import CallInput
from ccplatform.calls.placing import Placing
from ccplatform.calls.ports import CallPorts, Throttle
from ccplatform.calls.settings import OutSettings
from ccplatform.calls.switchboard import Switchboard
from ccplatform.contracts.commands import Answer, Done, MakeCall, Refused
from ccplatform.contracts.facts import CallRefused, Fact
from ccplatform.contracts.legs import DialTarget, LegOffered, NumberTarget, SeatTarget
from ccplatform.contracts.words import AgentId, Direction, LegId, QueueId, ReleaseCause, SeatId
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.errors import Refusal
from ccplatform.kernel.ids import Ids
from tests.calls.world import CALL, CONTACT


class Centre:
    """Seats 8004 to 8006 with agents 1004 and 1005; every number outside has a route but those with 7."""

    def __init__(self) -> None:
        self.at = {SeatId("seat-04"): AgentId("1004"), SeatId("seat-05"): AgentId("1005")}
        self.busy: set[AgentId] = set()
        self.shown: dict[SeatId, str] = {}

    def agent_at(self, seat: SeatId) -> AgentId | None:
        return self.at.get(seat)

    def seat_of(self, agent: AgentId) -> SeatId | None:
        return next((seat for seat, who in self.at.items() if who == agent), None)

    def knows_agent(self, agent: AgentId) -> bool:
        return agent in ("1004", "1005", "1006")

    def has_contact(self, agent: AgentId) -> bool:
        return agent in self.busy

    def check_call(self, agent: AgentId) -> None:
        if agent in self.busy or self.seat_of(agent) is None:
            raise Refusal("not now", code="agent_busy")

    def reach(self, number: str) -> DialTarget | None:
        if number in ("8004", "8005", "8006"):
            return SeatTarget(seat=SeatId(f"seat-{number[2:]}"))
        return None if number.startswith("7") else NumberTarget(number=number)

    def target(self, number: str) -> DialTarget | None:
        return self.reach(number)

    def is_emergency(self, number: str) -> bool:
        return number in ("110", "112", "119", "120", "122")

    def number_of(self, seat: SeatId) -> str:
        return f"80{seat[-2:]}"

    def shown_by(self, seat: SeatId) -> str:
        return self.shown.get(seat, "")

    def in_one_group(self, seat: SeatId, other: SeatId) -> bool:
        return False


class Ports:
    def __init__(self, centre: Centre) -> None:
        self.router = self.numbers = centre


@pytest.fixture
def centre() -> Centre:
    return Centre()


def ports(centre: Centre) -> CallPorts:
    return cast(CallPorts, Ports(centre))


def offer(dialled: str, seat: str = "seat-04") -> LegOffered:
    return LegOffered(
        leg=LegId("phone"),
        trunk=None,
        seat=SeatId(seat),
        caller=f"80{seat[-2:]}",
        caller_name="Wang",
        dialled=dialled,
        transport="UDP",
        sip_call_id="x",
        received_at=0.0,
    )


def dial(centre: Centre, number: str, *, seat: str = "seat-04", **settings: Any) -> Any:
    return Placing(OutSettings(**settings)).dialled(offer(number, seat), CALL, CONTACT, ports(centre))


def click(centre: Centre, number: str, settings: OutSettings | None = None, **order: Any) -> Any:
    order = {"agent": AgentId("1004"), "number": number, "by": "1004"} | order
    return Placing(settings or OutSettings()).clicked(MakeCall(**order), CALL, CONTACT, ports(centre))


NUMBERS = st.text("0123456789+*#", max_size=20)

# --- classes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        ("88886666", "local"),
        ("95588", "local"),
        ("10086", "local"),
        ("12345", "local"),
        ("01088886666", "national"),
        ("13800000001", "national"),
        ("4008001234", "national"),
        ("+8613800000001", "national"),
        ("008613800000001", "national"),
        ("0014155550100", "international"),
        ("+14155550100", "international"),
        ("16012345", "premium"),
        ("12590123", "premium"),
        ("+8616812345", "premium"),
        ("*123", "international"),
    ],
)
def test_classes_of_the_chinese_numbering_plan(number: str, kind: str) -> None:
    assert class_of(number, CHINA, "86") == kind


@given(
    st.text("0123456789+*#", max_size=20),
    st.dictionaries(st.text("0123", max_size=4), st.sampled_from(NumberClass)),
)
def test_the_longest_beginning_decides(number: str, classes: dict[str, NumberClass]) -> None:
    fits = [beginning for beginning in classes if beginning and number.startswith(beginning)]
    wanted = classes[max(fits, key=len)] if fits else NumberClass.INTERNATIONAL
    assert class_of(number, classes, "") is wanted


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (" 138-0000 0001 ", "13800000001"),
        ("+86 (10) 8888.6666", "+861088886666"),
        ("tel:+8613800000001", "+8613800000001"),
        ("", None),
        ("1", None),
        ("Wang", None),
        ("138;ext=1", None),
        ("1" * 33, None),
        ("１３８", None),
    ],
)
def test_numbers_are_taken_as_people_write_them(text: str, number: str | None) -> None:
    assert plain_number(text) == number


@given(st.text(max_size=60))
def test_no_text_becomes_a_number_that_cannot_be_dialled(text: str) -> None:
    number = plain_number(text)
    assert number is None or set(number) <= set("+0123456789*#")


# --- who may ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["13800000001", "88886666", "8005", "1005"])
def test_an_agent_calls_at_home_by_default(centre: Centre, number: str) -> None:
    assert dial(centre, number).agent == "1004"


@pytest.mark.parametrize("number", ["0014155550100", "+14155550100", "16812345"])
def test_neither_abroad_nor_what_costs_more(centre: Centre, number: str) -> None:
    with pytest.raises(CannotCall, match="agent 1004 may not call") as refused:
        dial(centre, number)
    assert (refused.value.code, refused.value.cause) == ("forbidden", ReleaseCause.FORBIDDEN)
    assert dial(centre, number, own_rules={"1004": {"may": ["international", "premium"]}})


def test_own_rules_may_take_away_too(centre: Centre) -> None:
    with pytest.raises(CannotCall):
        dial(centre, "13800000001", own_rules={"1004": {"may": ["internal"]}})


def test_a_phone_without_an_agent_reaches_phones_of_the_centre_only(centre: Centre) -> None:
    assert dial(centre, "8005", seat="seat-06").agent is None
    with pytest.raises(CannotCall, match="this phone may not call national numbers"):
        dial(centre, "13800000001", seat="seat-06")


@pytest.mark.parametrize("number", ["110", "119", "120", "122", "112"])
def test_help_may_be_called_by_everybody_whatever_is_forbidden(centre: Centre, number: str) -> None:
    begins = dial(centre, number, seat="seat-06", seats_may=[])
    assert (begins.number, begins.number_class, begins.direction) == (number, "emergency", Direction.OUTBOUND)


def test_supervisors_have_rules_of_their_own_by_a_click(centre: Centre) -> None:
    settings = OutSettings(supervisors_may=(NumberClass.INTERNATIONAL,))
    assert click(centre, "+14155550100", settings, supervisor=True)
    with pytest.raises(CannotCall):
        click(centre, "+14155550100", settings)


# --- what it reaches --------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["8005", "1005"])
def test_a_phone_and_an_agents_number_reach_the_seat_and_who_sits_there(centre: Centre, number: str) -> None:
    begins = dial(centre, number)
    assert (begins.party_seat, begins.party_agent, begins.direction) == ("seat-05", "1005", Direction.INTERNAL)
    assert begins.party_phone == ""
    named = replace(offer("8005"), dialled_phone="urn:uuid:1")
    assert Placing(OutSettings()).dialled(named, CALL, CONTACT, ports(centre)).party_phone == "urn:uuid:1"
    assert (begins.shown, begins.shown_name, begins.wrap_up_seconds) == ("8004", "Wang", 0.0)


@pytest.mark.parametrize(
    ("number", "code", "cause"),
    [
        ("8004", "busy", ReleaseCause.BUSY),
        ("1004", "busy", ReleaseCause.BUSY),
        ("8005", "busy", ReleaseCause.BUSY),
        ("1006", "not_signed_in", ReleaseCause.UNREACHABLE),
        ("7123456", "not_found", ReleaseCause.NOT_FOUND),
        ("Wang", "bad_number", ReleaseCause.NOT_FOUND),
    ],
)
def test_what_cannot_be_reached_says_why(centre: Centre, number: str, code: str, cause: ReleaseCause) -> None:
    centre.busy.add(AgentId("1005"))
    with pytest.raises(CannotCall) as refused:
        dial(centre, number)
    assert (refused.value.code, refused.value.cause) == (code, cause)


def test_a_click_needs_an_agent_who_is_there_and_free(centre: Centre) -> None:
    centre.busy.add(AgentId("1004"))
    with pytest.raises(Refusal):
        click(centre, "13800000001")


# --- which number is shown --------------------------------------------------------------------------------

SHOWN = OutSettings(
    caller="95000", queue_callers={"support": "95001"}, own_rules={"1005": {"caller": "01088880005"}}
)


def test_the_number_shown_is_of_the_queue_else_the_agent_else_the_seat_else_of_all(centre: Centre) -> None:
    assert click(centre, "13800000001", SHOWN).shown == "95000"
    assert click(centre, "13800000001", SHOWN, queue=QueueId("support")).shown == "95001"
    assert click(centre, "13800000001", SHOWN, agent=AgentId("1005")).shown == "01088880005"
    assert click(centre, "8005", SHOWN).shown == "8004"
    centre.shown = {SeatId("seat-04"): "01088880104", SeatId("seat-05"): "01088880105"}
    assert click(centre, "13800000001", SHOWN).shown == "01088880104"
    assert click(centre, "13800000001", SHOWN, queue=QueueId("support")).shown == "95001"
    assert click(centre, "13800000001", SHOWN, agent=AgentId("1005")).shown == "01088880005"


@pytest.mark.parametrize("wanted", ["95000", "95001", "anonymous"])
def test_numbers_of_the_centre_may_be_chosen_and_none_at_all(centre: Centre, wanted: str) -> None:
    assert click(centre, "13800000001", SHOWN, caller=wanted).shown == wanted


def test_somebody_elses_number_may_not_be_shown(centre: Centre) -> None:
    with pytest.raises(CannotCall) as refused:
        click(centre, "13800000001", SHOWN, caller="110")
    assert refused.value.code == "caller_not_allowed"


# --- when the centre has too much to do -------------------------------------------------------------------


class Held:
    """The throttle lets numbers that begin with 1 wait, and the facts are kept."""

    def __init__(self, centre: Centre, throttle: Throttle | None = None) -> None:
        self.router = self.numbers = centre
        self.throttle: Throttle = throttle or self
        self.begun: list[CallInput] = []
        self.facts: list[Fact] = []
        self.calls = CallsOut(
            core=Switchboard(music=lambda _: (), new_id=lambda: "id", max_parties=3),
            ports=lambda: cast(CallPorts, self),
            post=self.begun.append,
            placing=Placing(OutSettings()),
            facts=self,
            ids=Ids(VirtualClock()),
        )

    def refuses_order(self, number: str, order: str) -> float | None:
        return 7.0 if number.startswith("13") else None

    def record(self, fact: Fact) -> None:
        self.facts.append(fact)

    def order(self, number: str) -> Answer:
        return self.calls.make(MakeCall(agent=AgentId("1004"), number=number, by="1004"))


def test_a_click_waits_while_the_centre_has_too_much_to_do(centre: Centre) -> None:
    held = Held(centre)
    answer = held.order("138 0000 0001")
    assert isinstance(answer, Refused)
    assert (answer.code, answer.retry_after) == ("unavailable", 7.0)
    (refused,) = held.facts
    assert isinstance(refused, CallRefused)
    assert (refused.dialled, refused.seat, refused.sip_status) == ("13800000001", "seat-04", 503)
    assert held.begun == []
    assert isinstance(held.order("120"), Done)
    assert len(held.begun) == 1


def test_flows_connect_callers_to_ordinary_numbers_and_to_help(centre: Centre) -> None:
    placing = Placing(OutSettings())
    assert placing.for_flow("010 6234 5678", ports(centre)) == NumberTarget(number="01062345678")
    assert placing.for_flow("8004", ports(centre)) == SeatTarget(seat=SeatId("seat-04"))
    assert placing.for_flow("110", ports(centre)) == NumberTarget(number="110")
    for number in ("001555", "16812345", "7000", "sales"):
        assert placing.for_flow(number, ports(centre)) is None
    abroad = Placing(OutSettings(flows_may=(NumberClass.INTERNATIONAL,)))
    assert abroad.for_flow("001555", ports(centre)) == NumberTarget(number="001555")
    assert abroad.for_flow("01062345678", ports(centre)) is None
