"""Rules that people keep: in PostgreSQL, in their order, before those of the settings file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ccplatform.contracts.commands import Answer, Command, Done, ReloadRecordingRules
from ccplatform.contracts.words import AgentId, RecordingMode
from ccplatform.kernel.errors import Refusal
from ccplatform.storage.database import Database
from recording.model import Policy, Rule
from recording.rules import RuleStore, rule_kind
from tests.recording.kit import Studio, talk
from tests.support.database import database, postgres_dsn  # noqa: F401


class Control:
    def __init__(self) -> None:
        self.asked: list[Command] = []

    async def ask(self, command: Command) -> Answer:
        self.asked.append(command)
        return Done()


class Rules:
    """The kind, over a real database; 1004, support and blue are known."""

    def __init__(self, opened: Database) -> None:
        self.store = RuleStore(database=opened)
        self.control = Control()

        async def knows(name: str) -> bool:
            return name in ("1004", "support", "blue")

        self.kind = rule_kind(
            store=self.store,
            control=self.control,
            taken=frozenset({"of the file"}),
            known=dict.fromkeys(("queues", "agents", "teams"), knows),
        )

    async def save(self, name: str, *, trial: bool = False, **document: Any) -> None:
        await self.kind.keeper.save(name, document, by="admin1", trial=trial)


@pytest.fixture
def rules(database: Database) -> Rules:  # noqa: F811
    return Rules(database)


async def test_rules_are_asked_by_position_and_then_by_name(rules: Rules) -> None:
    await rules.save("b", mode="full", position=5)
    await rules.save("a", mode="never", position=5)
    await rules.save("z", mode="random", percent=10, position=1, queues=["support"])
    assert [(rule.name, rule.mode) for rule in await rules.store.rules()] == [
        ("z", RecordingMode.RANDOM),
        ("a", RecordingMode.NEVER),
        ("b", RecordingMode.FULL),
    ]
    assert rules.control.asked == [ReloadRecordingRules(by="admin1")] * 3
    await rules.kind.keeper.remove("z", by="admin1")
    assert list(await rules.kind.keeper.all()) == ["a", "b"]


async def test_all_of_a_rule_is_kept(rules: Rules) -> None:
    document: dict[str, Any] = {
        "position": 7,
        "mode": "scheduled",
        "queues": ["support"],
        "agents": ["1004"],
        "teams": ["blue"],
        "dialled": ["95001"],
        "directions": ["inbound"],
        "percent": 100.0,
        "windows": [{"days": ["1", 2], "start": "09:00", "end": "18:00"}],
        "retention_days": 400,
        "announce": True,
    }
    await rules.save("whole", **document)
    window = {"days": [1, 2], "start": "09:00:00", "end": "18:00:00"}
    assert await rules.kind.keeper.one("whole") == {**document, "windows": [window]}
    for field, one in (("queues", "support"), ("agents", "1004"), ("teams", "blue")):
        assert await rules.store.naming(field, one) == ["recording_rule whole"]
        assert await rules.store.naming(field, "other") == []


@pytest.mark.parametrize(
    ("name", "document", "where"),
    [
        ("of the file", {"mode": "full"}, "id"),
        ("r", {"mode": "full", "queues": ["nowhere"]}, "queues"),
        ("r", {"mode": "full", "agents": ["9999"]}, "agents"),
        ("r", {"mode": "full", "teams": ["pink"]}, "teams"),
    ],
)
async def test_an_illegal_rule_is_refused_at_its_field(
    rules: Rules, name: str, document: dict[str, Any], where: str
) -> None:
    with pytest.raises(Refusal) as refused:
        await rules.save(name, **document)
    assert (refused.value.code, refused.value.where) == ("bad_recording_rule", where)
    assert await rules.kind.keeper.all() == {}
    assert rules.control.asked == []


async def test_a_trial_changes_nothing(rules: Rules) -> None:
    await rules.save("r", mode="full", trial=True)
    assert await rules.kind.keeper.all() == {}
    assert rules.control.asked == []


async def test_they_come_before_the_rules_of_the_settings(tmp_path: Path) -> None:
    own = Rule(name="own", mode=RecordingMode.FULL)
    studio = Studio(tmp_path / "recordings", Policy(rules=(own,)), team_of={AgentId("1004"): "blue"}.__getitem__)
    never = Rule(name="never", mode=RecordingMode.NEVER, teams=frozenset({"blue"}))
    studio.service.take_rules((never,))
    assert studio.service.decide(talk()) is None
    studio.service.take_rules(())
    assert studio.service.decide(talk()) is not None
    await studio.end()
