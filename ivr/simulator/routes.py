"""REST of simulated sessions: play one, hear what it says, say something to it, keep it as a trial.

No ``from __future__ import annotations`` here: the routes' annotations hold objects of :func:`build_router`.
"""

import base64
import binascii
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from ccplatform.security.access import Access
from ccplatform.security.audit import Audit
from ccplatform.security.errors import NotAllowed
from ccplatform.security.model import Principal
from ivr.errors import BadRecording
from ivr.flow_kind import CHANGERS, READERS
from ivr.simulator.ears import Ears
from ivr.simulator.model import (
    HeardItem,
    HypothesisItem,
    SessionState,
    WantedHearing,
    WantedSession,
    WantedSound,
)
from ivr.simulator.service import OnQuery, Simulator
from ivr.simulator.sounds import Sounds

_AUDIO: Any = {200: {"content": {"audio/wav": {"schema": {"type": "string", "format": "binary"}}}}}
_YAML: Any = {200: {"content": {"application/yaml": {"schema": {"type": "string"}}}}}


def build_router(*, access: Access, simulator: Simulator, sounds: Sounds, ears: Ears, audit: Audit) -> APIRouter:
    """``flows/simulate…``."""
    router = APIRouter(tags=["flows"])
    reader: Any = Annotated[Principal, Depends(access.require(*READERS))]

    @router.post("/flows/simulate", response_model=SessionState)
    async def simulate_flow(principal: reader, wanted: WantedSession) -> Any:
        """Play a session from its beginning through everything that was done in it; nothing of it is kept."""
        return await simulator.state(wanted, _allowed(audit, principal, wanted))

    @router.post("/flows/simulate/trial", response_class=Response, responses=_YAML)
    async def keep_as_trial(principal: reader, wanted: WantedSession) -> Response:
        """The session as a file for ``ccplatform flow test``; it holds the keys that were pressed, secrets too."""
        name, text = await simulator.trial(wanted, _allowed(audit, principal, wanted))
        headers = {
            "Content-Disposition": f'attachment; filename="{name}.trial.yaml"',
            "Cache-Control": "no-store",
        }
        return Response(text, media_type="application/yaml; charset=utf-8", headers=headers)

    @router.post("/flows/simulate/sound", response_class=Response, responses=_AUDIO)
    async def hear_session(principal: reader, wanted: WantedSound) -> Response:
        """What is said, as callers hear it."""
        data = await sounds.wav(wanted.pieces)
        return Response(data, media_type="audio/wav", headers={"Cache-Control": "no-store"})

    @router.post("/flows/simulate/speech", response_model=HeardItem)
    async def understand_speech(principal: reader, wanted: WantedHearing) -> Any:
        """What a recogniser makes of an utterance; 503 where none hears the language."""
        try:
            wav = base64.b64decode(wanted.audio, validate=True)
        except binascii.Error:
            raise BadRecording("audio is not base64") from None
        found = await ears.hear(wanted.language, wanted.phrases, wav)
        return HeardItem(
            hypotheses=[
                HypothesisItem(text=one.text, confidence=round(100 * min(1.0, max(0.0, one.confidence))))
                for one in found
            ]
        )

    return router


def _allowed(audit: Audit, principal: Principal, wanted: WantedSession) -> OnQuery:
    """Refuse data sources to those who may not change flows; what is asked of them is audited."""
    if wanted.live and principal.roles.isdisjoint(CHANGERS):
        raise NotAllowed("asking data sources needs the role supervisor or admin: use stubs")

    async def on_query(query: str) -> None:
        await audit.record(subject=principal.user, action="flow.query", object=query, result="ok", detail={})

    return on_query
