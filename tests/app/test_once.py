"""Orders that come again: carried out once, whatever they are, and every route of an order takes a key."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.app.once import MAX_ORDERS_OF_ONE, REMEMBER_SECONDS, Once
from ccplatform.contracts.commands import (
    Answer,
    Command,
    Configure,
    Done,
    Drain,
    GetHealth,
    HandOutMessage,
    HangUpCall,
    Refused,
    ReloadAccess,
    ReloadCallingRules,
    ReloadFlows,
    ReloadRecordingRules,
    SendCallDigits,
)
from ccplatform.contracts.words import CallId, Mailbox, RecordingId
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.errors import Unavailable

OPENAPI: Final = Path(__file__).parents[2] / "web" / "openapi.json"
#: Orders of people that may be carried out again and nothing is different.
HARMLESS: Final = {
    Configure: "a whole document takes the place of the one before; who saw an older one is refused",
    Drain: "a node that drains goes on draining",
    ReloadAccess: "what is stored is taken as it is now",
    ReloadCallingRules: "what is stored is taken as it is now",
    ReloadFlows: "what is stored is taken as it is now",
    ReloadRecordingRules: "what is stored is taken as it is now",
}
#: Routes that change something and take no key, and why.
WITHOUT_KEY: Final = {
    ("POST", "/api/v1/auth/login"): "a log-in more",
    ("POST", "/api/v1/auth/logout"): "there is nobody to log out again",
    ("POST", "/api/v1/me/password"): "the old password is not right the second time",
    ("POST", "/api/v1/me/softphone"): "a pass more, for the same seat",
    ("POST", "/api/v1/me/articles/{article_id}/read"): "he has read it",
    ("PUT", "/api/v1/customers/{account}"): "who saw an older card is refused (If-Match)",
    ("PUT", "/api/v1/recordings/{recording_id}/hold"): "it is held, or is not",
    ("POST", "/api/v1/recordings/{recording_id}/links"): "a link more, to the same recording",
    ("PUT", "/api/v1/report-schedules/{schedule_id}"): "a whole schedule takes the place of the one of its id",
    ("DELETE", "/api/v1/report-schedules/{schedule_id}"): "it is gone",
    ("PUT", "/api/v1/outbound-routes"): "all routes take the place of all",
    ("POST", "/api/v1/flows/validate"): "changes nothing",
    ("POST", "/api/v1/flows/preview"): "changes nothing",
    ("POST", "/api/v1/flows/import"): "a whole draft takes the place of another",
    ("POST", "/api/v1/flows/simulate"): "changes nothing",
    ("POST", "/api/v1/flows/simulate/trial"): "changes nothing",
    ("POST", "/api/v1/flows/simulate/sound"): "changes nothing",
    ("POST", "/api/v1/flows/simulate/speech"): "changes nothing",
    ("POST", "/api/v1/flows/{name}/publish"): "a draft that is published is no draft any more",
    ("POST", "/api/v1/flows/{name}/roll-back"): "the version that is in service stays so",
    ("POST", "/api/v1/configuration/numbers/answering"): "changes nothing",
}
#: Documents that are put as a whole or removed: by the revision that was seen, or for good.
DOCUMENTS: Final = (
    "/api/v1/configuration/",
    "/api/v1/flows/{name}",
    "/api/v1/trunks/{name}",
    "/api/v1/trunks.csv",
    "/api/v1/customers.csv",
)


@dataclass
class Control:
    """Carries out what it is told to; ``gate`` cleared: not before it is set."""

    answers: list[Answer | Unavailable] = field(default_factory=list)
    done: list[Command] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    began: asyncio.Event = field(default_factory=asyncio.Event)

    async def execute(self, command: Command) -> Answer:
        self.done.append(command)
        self.began.set()
        await self.gate.wait()
        answer = self.answers.pop(0) if self.answers else Done(result={"times": len(self.done)})
        if isinstance(answer, Unavailable):
            raise answer
        return answer


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def control() -> Control:
    made = Control()
    made.gate.set()
    return made


@pytest.fixture
def once(clock: VirtualClock, control: Control) -> Once:
    return Once(clock=clock, execute=control.execute)


def hang_up(key: str = "k", by: str = "1004", call: str = "call-1") -> HangUpCall:
    return HangUpCall(call=CallId(call), by=by, key=key)


def keyed() -> list[type[Any]]:
    return [kind for kind in get_args(Command) if "key" in {one.name for one in fields(kind)}]


def test_every_order_of_a_person_has_a_key_or_does_no_harm_twice() -> None:
    people = {kind for kind in get_args(Command) if "by" in {one.name for one in fields(kind)}}
    assert people - set(keyed()) == HARMLESS.keys()


@pytest.mark.parametrize("kind", keyed(), ids=lambda kind: str(kind.__name__))
@given(data=st.data())
def test_whatever_is_ordered_by_the_same_key_is_carried_out_once(kind: type[Any], data: st.DataObject) -> None:
    hints = get_type_hints(kind)
    command = data.draw(st.builds(kind, **{one.name: st.from_type(hints[one.name]) for one in fields(kind)}))
    command = replace(command, key="k1")

    async def twice() -> tuple[Control, Answer, Answer]:
        control = Control()
        control.gate.set()
        once = Once(clock=VirtualClock(), execute=control.execute)
        return control, await once.execute(command), await once.execute(command)

    control, first, second = asyncio.run(twice())
    assert control.done == [command]
    assert (first, second) == (Done(result={"times": 1}), Done(result={"times": 1}, repeated=True))


def test_every_route_that_changes_something_takes_a_key_or_says_why_not() -> None:
    description = json.loads(OPENAPI.read_text("utf-8"))
    schemas = description["components"]["schemas"]

    def takes_key(operation: dict[str, Any]) -> bool:
        if any(one["name"] == "key" for one in operation.get("parameters", ())):
            return True
        schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        while "$ref" in schema:
            schema = schemas[schema["$ref"].rsplit("/", 1)[1]]
        return "key" in schema.get("properties", {})

    without = {
        (method.upper(), path)
        for path, operations in description["paths"].items()
        for method, operation in operations.items()
        if method in ("post", "put", "delete", "patch") and not takes_key(operation)
    }
    orders = {
        (method, path)
        for method, path in without
        if not (path.startswith(DOCUMENTS) and (method in ("PUT", "DELETE") or path.endswith(".csv")))
    }
    assert orders == WITHOUT_KEY.keys()


async def test_without_a_key_every_order_is_one_more(once: Once, control: Control) -> None:
    for _ in range(2):
        assert await once.execute(hang_up("")) == Done(result={"times": len(control.done)})
    assert await once.execute(GetHealth()) == Done(result={"times": 3})


async def test_who_asks_again_meanwhile_waits_for_the_same_answer(once: Once, control: Control) -> None:
    control.gate.clear()
    first, second = (asyncio.ensure_future(once.execute(hang_up())) for _ in range(2))
    await control.began.wait()
    control.gate.set()
    assert await first == Done(result={"times": 1})
    assert await second == Done(result={"times": 1}, repeated=True)
    assert control.done == [hang_up()]


@pytest.mark.parametrize("failure", [Refused(code="busy", message="busy"), Unavailable("away")])
async def test_what_was_not_done_is_tried_anew(
    once: Once, control: Control, failure: Refused | Unavailable
) -> None:
    control.answers.append(failure)
    if isinstance(failure, Unavailable):
        with pytest.raises(Unavailable):
            await once.execute(hang_up())
    else:
        assert await once.execute(hang_up()) == failure
    assert await once.execute(hang_up()) == Done(result={"times": 2})


async def test_a_key_is_one_persons_and_of_one_order(once: Once, control: Control) -> None:
    assert await once.execute(hang_up(by="1004")) == Done(result={"times": 1})
    assert await once.execute(hang_up(by="1005")) == Done(result={"times": 2})
    for other in (hang_up(call="call-2"), SendCallDigits(call=CallId("call-1"), digits="1", by="1004", key="k")):
        answer = await once.execute(other)
        assert isinstance(answer, Refused)
        assert (answer.code, answer.where) == ("key_taken", "key")
    assert len(control.done) == 2


async def test_a_refused_order_leaves_its_key_to_another(once: Once, control: Control) -> None:
    control.answers.append(Refused(code="busy", message="busy"))
    await once.execute(hang_up())
    assert await once.execute(hang_up(call="call-2")) == Done(result={"times": 2})


async def test_a_message_is_handed_out_once_though_it_lies_elsewhere_by_then(once: Once, control: Control) -> None:
    order = HandOutMessage(
        message=RecordingId("r"), mailbox=Mailbox("queue:a"), to=Mailbox("queue:b"), by="1004", key="k"
    )
    await once.execute(order)
    again = await once.execute(replace(order, mailbox=Mailbox("queue:b")))
    assert again == Done(result={"times": 1}, repeated=True)


async def test_orders_are_forgotten_after_a_while(once: Once, control: Control, clock: VirtualClock) -> None:
    await once.execute(hang_up("a", by="1001"))
    await once.execute(hang_up("a"))
    clock.advance(REMEMBER_SECONDS - 1)
    await once.execute(hang_up("b"))
    assert await once.execute(hang_up("a")) == Done(result={"times": 2}, repeated=True)
    clock.advance(2)
    assert await once.execute(hang_up("b")) == Done(result={"times": 3}, repeated=True)
    assert await once.execute(hang_up("a")) == Done(result={"times": 4})
    assert await once.execute(hang_up("a", by="1001")) == Done(result={"times": 5})


async def test_one_persons_many_orders_push_out_his_own_only(once: Once, control: Control) -> None:
    await once.execute(hang_up("mine", by="1005"))
    for number in range(MAX_ORDERS_OF_ONE + 1):
        await once.execute(hang_up(f"k{number}"))
    assert await once.execute(hang_up("mine", by="1005")) == Done(result={"times": 1}, repeated=True)
    assert await once.execute(hang_up("k1")) == Done(result={"times": 3}, repeated=True)
    assert await once.execute(hang_up("k0")) == Done(result={"times": MAX_ORDERS_OF_ONE + 3})
