"""Classes of numbers and permissions as settings: those of the file first, then as people change them."""

from __future__ import annotations

import pytest

from ccplatform.calls.calling_kinds import kinds
from ccplatform.calls.calling_rules import CallerGroup, CallingRules, Permission
from ccplatform.calls.calling_store import CallingStore
from ccplatform.calls.dial_plan import NumberClass
from ccplatform.calls.settings import OutSettings, OwnRules
from ccplatform.configuration.kind import Keeper
from ccplatform.contracts.commands import Answer, Command, Done, ReloadCallingRules
from ccplatform.contracts.words import AgentId
from ccplatform.kernel.errors import Refusal
from ccplatform.storage.database import Database
from tests.support.database import database, postgres_dsn  # noqa: F401

LOCAL, NATIONAL, PREMIUM = NumberClass.LOCAL, NumberClass.NATIONAL, NumberClass.PREMIUM
FILE = OutSettings(
    agents_may=(LOCAL,),
    flows_may=(),
    own_rules={"1004": OwnRules(may=(PREMIUM,)), "1005": OwnRules(caller="95001"), "seats": OwnRules(may=())},
    number_classes={"": PREMIUM, "2": LOCAL, "168": PREMIUM},
)


class Told:
    """Stands for control."""

    def __init__(self) -> None:
        self.commands: list[Command] = []

    async def ask(self, command: Command) -> Answer:
        self.commands.append(command)
        return Done()


async def knows(agent: str) -> bool:
    return agent == "1004"


@pytest.fixture
def store(database: Database) -> CallingStore:  # noqa: F811
    return CallingStore(database=database)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def kept(store: CallingStore, told: Told) -> tuple[Keeper, Keeper]:
    classes, permissions = kinds(store=store, control=told, knows_agent=knows)
    return classes.keeper, permissions.keeper


def test_an_agent_may_what_is_said_of_him_else_what_his_group_may() -> None:
    rules = CallingRules.of(FILE)
    assert rules.may(CallerGroup.AGENTS) == rules.may(CallerGroup.AGENTS, AgentId("1005")) == (LOCAL,)
    assert rules.may(CallerGroup.AGENTS, AgentId("1004")) == rules.may(CallerGroup.SUPERVISORS, AgentId("1004"))
    assert rules.may(CallerGroup.AGENTS, AgentId("1004")) == (PREMIUM,)
    assert rules.may(CallerGroup.FLOWS) == ()
    assert [rules.caller(agent) for agent in (AgentId("1005"), AgentId("1004"), None)] == ["95001", "", ""]
    assert rules.may(CallerGroup.SEATS) == (NumberClass.INTERNAL,), "an agent of that name is not the group"
    assert (rules.class_of("21", "86"), rules.class_of("9", "86")) == (LOCAL, NumberClass.INTERNATIONAL)


async def test_a_centre_begins_with_its_file_and_goes_on_with_what_was_changed(store: CallingStore) -> None:
    await store.begin_with(CallingRules.of(FILE))
    assert await store.rules() == CallingRules.of(FILE)
    await store.save_class("2", PREMIUM)
    await store.save_permission("1004", Permission())
    await store.begin_with(CallingRules.of(FILE))
    rules = await store.rules()
    assert rules.classes["2"] is PREMIUM
    assert rules.may(CallerGroup.AGENTS, AgentId("1004")) == (LOCAL,)


async def test_changes_are_kept_and_control_takes_them(
    store: CallingStore, kept: tuple[Keeper, Keeper], told: Told
) -> None:
    await store.begin_with(CallingRules.of(FILE))
    classes, permissions = kept
    await classes.save("+852", {"number_class": "national"}, by="x", trial=False)
    await permissions.save("1004", {"may": ["national", "local"], "caller": "95000"}, by="x", trial=False)
    await classes.save("1", {"number_class": "local"}, by="x", trial=True)
    assert (await classes.all()).keys() == {"+852", "2", "168"}
    assert await permissions.one("1004") == {"may": ["local", "national"], "caller": "95000"}
    await permissions.save("seats", {"may": None}, by="x", trial=False)
    assert await permissions.one("seats") == {"may": [], "caller": ""}
    await classes.remove("2", by="x")
    await permissions.remove("1004", by="x")
    assert told.commands == [ReloadCallingRules(by="x")] * 5
    rules = await store.rules()
    assert (rules.classes, AgentId("1004") in rules.permissions) == ({"+852": NATIONAL, "168": PREMIUM}, False)


@pytest.mark.parametrize(
    ("which", "name", "document", "where"),
    [
        (0, "twelve", {"number_class": "local"}, "id"),
        (0, "1" * 17, {"number_class": "local"}, "id"),
        (1, "1009", {"may": []}, "id"),
        (1, "seats", {"may": [], "caller": "1"}, "caller"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    kept: tuple[Keeper, Keeper], told: Told, which: int, name: str, document: dict[str, object], where: str
) -> None:
    with pytest.raises(Refusal) as refused:
        await kept[which].save(name, document, by="x", trial=False)
    assert (refused.value.where, told.commands) == (where, [])


async def test_a_group_stays(kept: tuple[Keeper, Keeper]) -> None:
    with pytest.raises(Refusal, match="a group stays"):
        await kept[1].remove("flows", by="x")
