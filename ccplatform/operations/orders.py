"""Orders of people to the control process, as routes give them."""

from __future__ import annotations

from typing import Any

from ccplatform.contracts.commands import Command, Refused
from ccplatform.contracts.ports import Control
from ccplatform.kernel.errors import NotFound, Refusal, Unavailable


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
