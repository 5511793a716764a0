from __future__ import annotations

import msgspec
import pytest

from ccplatform.contracts.commands import ANSWERS, COMMANDS, AcknowledgeAlarm, Done, Refused, SetAgentState
from ccplatform.contracts.words import AgentId, AgentState, SeatId
from ccplatform.kernel.codec import UnknownType


def test_a_command_survives_its_way_through_json() -> None:
    command = SetAgentState(agent=AgentId("1004"), state=AgentState.NOT_READY, by="1004", seat=SeatId("seat-04"))
    assert COMMANDS.decode(msgspec.json.decode(msgspec.json.encode(COMMANDS.encode(command)))) == command


@pytest.mark.parametrize("answer", [Done(result={"agent": "1004"}), Refused(code="not_found", message="no")])
def test_an_answer_survives_its_way_through_json(answer: Done | Refused) -> None:
    assert ANSWERS.decode(msgspec.json.decode(msgspec.json.encode(ANSWERS.encode(answer)))) == answer


def test_a_command_with_a_wrong_field_names_it() -> None:
    with pytest.raises(UnknownType, match=r"AcknowledgeAlarm.*by"):
        COMMANDS.decode({"type": AcknowledgeAlarm.__name__, "v": 1, "alarm": "x", "by": 7})
