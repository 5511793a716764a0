"""Scripts of calls: which one a call has, and what is refused of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ccplatform.contracts.words import AgentId, QueueId
from ccplatform.kernel.errors import Refusal
from ccplatform.storage.database import Database
from cti.documents import DeskDocuments
from cti.looking_up import LookUp
from cti.queue_documents import QueueDocuments
from cti.scripting.kind import ScriptDocument
from cti.scripting.scripts import Scripts, script_of
from tests.cti import story
from tests.cti.desk import Desk, FakeCustomers
from tests.support.database import database, postgres_dsn  # noqa: F401

STEPS = [{"title": "Greeting", "text": "Good day."}, {"title": "Goodbye", "text": ""}]


def script(*queues: str, position: int = 1000, name: str = "x") -> dict[str, Any]:
    return {"name": name, "steps": STEPS, "queues": list(queues), "position": position}


def test_the_script_of_the_queue_comes_before_one_for_all_and_then_the_position_decides() -> None:
    all_calls, second, first = script(position=1), script("support", position=20), script("support", position=10)
    documents = {"all": all_calls, "second": second, "first": first, "sales": script("sales", position=1)}
    found = script_of(documents, QueueId("support"))
    assert found is not None
    assert (found.id, [step.title for step in found.steps]) == ("first", ["Greeting", "Goodbye"])
    for queue in (QueueId("operator"), None):
        other = script_of(documents, queue)
        assert other is not None
        assert other.id == "all"
    assert script_of({"sales": documents["sales"]}, None) is None


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=3),
        st.builds(
            script,
            *[st.sampled_from(["support", "sales"])] * 1,
            position=st.integers(1, 9),
            name=st.sampled_from("ab"),
        )
        | st.builds(script, position=st.integers(1, 9)),
        max_size=6,
    ),
    st.sampled_from(["support", "sales", None]),
)
def test_a_call_gets_no_script_of_another_queue_and_always_one_that_fits(
    documents: Mapping[str, Mapping[str, Any]], queue: str | None
) -> None:
    found = script_of(documents, QueueId(queue) if queue is not None else None)
    fitting = {name for name, each in documents.items() if not each["queues"] or queue in each["queues"]}
    assert (found is None) == (not fitting)
    assert found is None or found.id in fitting


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": []},
        {"steps": [{"title": "", "text": "x"}]},
        {"steps": [{"title": "x", "text": "y" * 2_001}]},
        {"steps": [{"title": "x", "text": "y"}] * 31},
        {"steps": [{"title": "x", "text": "y", "html": "z"}]},
        {"name": ""},
        {"position": 0},
    ],
)
def test_what_is_no_script_is_refused(wrong: dict[str, Any]) -> None:
    ScriptDocument.model_validate(script("support"))
    with pytest.raises(ValidationError):
        ScriptDocument.model_validate(script("support") | wrong)


async def test_a_script_is_in_the_pop_of_its_queue_and_names_only_queues_that_there_are(
    database: Database,  # noqa: F811
) -> None:
    documents = DeskDocuments("script", database=database)

    async def knows(queue: str) -> bool:
        return queue == "support"

    kept = QueueDocuments(documents, knows, word="script", most=1)
    with pytest.raises(Refusal) as refused:
        await kept.save("first", script("nowhere"), by="admin", trial=False)
    assert refused.value.where == "queues"
    await kept.save("first", script("support", name="First call"), by="admin", trial=False)
    with pytest.raises(Refusal, match="remove old ones"):
        await kept.save("second", script(), by="admin", trial=False)
    assert await documents.naming("support") == ["script first"]
    desk = Desk()
    desk.tell(*story.ringing(1))
    (call,) = desk.live.calls.values()
    look_up = LookUp(desk.live, FakeCustomers(), None, None, Scripts(documents))  # type: ignore[arg-type]
    pop = await look_up.pop(call, AgentId("1004"))
    assert pop.script is not None
    assert (pop.script.name, len(pop.script.steps)) == ("First call", 2)
    await kept.remove("first", by="admin")
    assert (await look_up.pop(call, AgentId("1004"))).script is None
