"""Sending the sound of a recording: the whole, or one range of bytes (RFC 9110), audited before it begins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from starlette.responses import JSONResponse, Response, StreamingResponse

from ccplatform.contracts.words import RecordingId
from ccplatform.security.audit import Audit
from recording.errors import RangeNotSatisfiable
from recording.ranges import Span, pieces, wanted_span
from recording.sealed import Sound, Sounds

#: What a route that sends audio answers, for its documentation.
AUDIO_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"audio/wav": {}}, "description": "The whole recording: caller left, agent right."},
    206: {"content": {"audio/wav": {}}, "description": "The range asked for."},
    416: {"description": "The range is not in the recording, or is several ranges."},
}


class Listening:
    """Sends audio to people and audits that they heard it."""

    def __init__(self, *, sounds: Sounds, audit: Audit) -> None:
        self._sounds = sounds
        self._audit = audit

    async def send(
        self,
        recording: RecordingId,
        *,
        listener: str,
        detail: dict[str, Any],
        range_header: str | None,
        if_range: str | None,
        wrap: Callable[[Sound], Sound] | None = None,
        name: str | None = None,
    ) -> Response:
        """The answer to a GET; raises RecordingGone, Unavailable.

        ``wrap`` makes another sound of it, ``name`` lets it be kept under that name instead of heard.
        """
        sound = await asyncio.to_thread(self._sounds.open, recording)
        if wrap is not None:
            sound = wrap(sound)
        with ExitStack() as opened:
            opened.callback(sound.close)
            etag = f'"{name or recording}-{sound.size}"'
            try:
                span = wanted_span(range_header if if_range in (None, etag) else None, sound.size)
            except RangeNotSatisfiable as error:
                return _not_satisfiable(error)
            await self._audit.record(
                subject=listener,
                action="recording.listen",
                object=recording,
                result="ok",
                detail={**detail, "range": range_header or ""},
            )
            opened.pop_all()  # who sends it closes it
        disposition = f'{"inline" if name is None else "attachment"}; filename="{name or recording}.wav"'
        return self._audio(disposition, sound, span, etag)

    def _audio(self, disposition: str, sound: Sound, span: Span | None, etag: str) -> Response:
        sent = span or Span(0, sound.size - 1)
        headers = {
            "Accept-Ranges": "bytes",
            "Cache-Control": "no-store",
            "Content-Disposition": disposition,
            "Content-Length": str(sent.length),
            "ETag": etag,
        }
        if span is not None:
            headers["Content-Range"] = f"bytes {span.first}-{span.last}/{sound.size}"
        return StreamingResponse(
            pieces(sound, sent),
            status_code=200 if span is None else 206,
            headers=headers,
            media_type="audio/wav",
        )


def _not_satisfiable(error: RangeNotSatisfiable) -> Response:
    problem = {
        "type": "about:blank",
        "title": "range not satisfiable",
        "status": 416,
        "code": error.code,
        "detail": str(error),
    }
    headers = {"Content-Range": f"bytes */{error.size}"}
    return JSONResponse(problem, status_code=416, headers=headers, media_type="application/problem+json")
