"""Orders of people to the control process, as routes give them.

No ``from __future__ import annotations`` here: routes use the types below.
"""

from typing import Annotated, Any, TypeAlias

from fastapi import Body, Query
from pydantic import BaseModel, ConfigDict, Field

from ccplatform.contracts.commands import Command, Refused
from ccplatform.contracts.ports import Control
from ccplatform.kernel.errors import NotFound, Refusal, Unavailable

_KEY = "Of the client's choice: sent again within five minutes, it means the same order."


class Once(BaseModel):
    """An order that is carried out once, however often it is sent."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field("", max_length=64, description=_KEY)


#: The body of an order that says nothing else; there need be none.
OnceBody: TypeAlias = Annotated[Once, Body(default_factory=Once)]
#: The key of an order without a body.
OnceKey: TypeAlias = Annotated[str, Query(max_length=64, description=_KEY)]


async def tell(control: Control, command: Command) -> dict[str, Any]:
    """Let control do it; its refusal becomes an error again. Raises NotFound, Refusal, Unavailable."""
    answer = await control.ask(command)
    if not isinstance(answer, Refused):
        return answer.result
    match answer.code:
        case "not_found":
            raise NotFound(answer.message)
        case "unavailable":
            raise Unavailable(answer.message, retry_after=answer.retry_after or None)
        case code:
            raise Refusal(answer.message, code=code, where=answer.where)
