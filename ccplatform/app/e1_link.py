"""How other processes ask the E1 front."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from ccplatform.app.places import Places
from ccplatform.kernel.errors import NotFound, Refusal, Unavailable
from ccplatform.kernel.frames import FrameDecoder, encode_frame

_ASK_SECONDS: Final = 5.0


async def ask_office(places: Places, request: dict[str, Any]) -> Any:
    """Ask the front of this node; raises NotFound, Refusal, or Unavailable where no front runs."""
    try:
        async with asyncio.timeout(_ASK_SECONDS):
            reader, writer = await asyncio.open_unix_connection(str(places.e1_socket), limit=1 << 24)
            try:
                writer.write(encode_frame(request))
                decoder = FrameDecoder()
                while data := await reader.read(262_144):
                    for answer in decoder.feed(data):
                        return _answered(answer)
            finally:
                writer.close()
    except (OSError, TimeoutError) as error:
        raise Unavailable(
            "the E1 front cannot be reached; are there spans in the settings (isdn.spans)?"
        ) from error
    raise Unavailable("the E1 front went away; try again in a moment")


def _answered(answer: dict[str, Any]) -> Any:
    if "answer" in answer:
        return answer["answer"]
    if answer["refused"] == "not_found":
        raise NotFound(answer["reason"])
    raise Refusal(answer["reason"])
