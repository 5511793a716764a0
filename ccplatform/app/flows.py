"""Builds the REST of flows, numbers and prompts in the web process: what flows may name of other packages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from fastapi import APIRouter

from ccplatform.app.configured import numbers_kept, settings_store
from ccplatform.app.foundation import Foundation
from ccplatform.app.http_limits import LargeBody
from ccplatform.app.places import Places
from ccplatform.app.settings import Settings
from ccplatform.app.simulating import Simulating, opening_hours
from ccplatform.app.speech import Untold as Untold
from ccplatform.app.speech import queries_of
from ccplatform.calls.service import VOICE_MAIL
from ccplatform.configuration.changes import Changes
from ccplatform.contracts.commands import Setting
from ccplatform.contracts.ports import Control
from ccplatform.security.access import Access
from gateway.store import GatewayStore
from ivr.flow_kind import FlowsKept, flow_kind
from ivr.heat import HeatStore
from ivr.number_routes import build_router as build_number_routes
from ivr.previews import Previews
from ivr.prompt_routes import build_router as build_prompt_routes
from ivr.recordings import Recordings
from ivr.routes import build_router
from ivr.simulator.routes import build_router as build_simulator_routes
from ivr.simulator.service import Simulator
from ivr.simulator.sounds import Sounds
from ivr.speech.port import Speech
from ivr.surroundings import Surroundings
from ivr.uploads import Uploads
from ivr.versions import Versions

#: How long an upload may take, seconds.
UPLOAD_SECONDS = 60.0
#: Largest simulated session, or utterance in one, bytes.
SIMULATED_BYTES = 4 << 20


def build_flow_routes(
    settings: Settings,
    ground: Foundation,
    *,
    access: Access,
    control: Control,
    changes: Changes,
    gateway: GatewayStore,
    places: Places,
    speech: Speech,
    simulating: Simulating,
) -> Sequence[APIRouter]:
    """``flows/…``."""
    acd = settings_store(ground)
    versions = Versions(database=ground.database, tenant=ground.tenant)
    recordings = Recordings(database=ground.database, tenant=ground.tenant)

    async def around() -> Surroundings:
        return Surroundings(
            queues=frozenset(await acd.documents(Setting.QUEUE)),
            trunks=frozenset(trunk.id for trunk in await gateway.trunks.all()),
            queries=frozenset(queries_of(settings.ivr)) | settings.ivr.requests.keys(),
            calendars=frozenset(await acd.documents(Setting.CALENDAR)),
            bots=settings.ivr.bots.keys(),
            flows=await versions.current_documents(),
            sounds=settings.ivr.sounds_dir,
        )

    keeper = FlowsKept(
        versions=versions,
        recordings=recordings,
        control=control,
        clock=ground.clock,
        around=around,
        essential=(VOICE_MAIL,),
    )
    numbers = numbers_kept(ground, control)
    kind = flow_kind(keeper, also=(numbers.answered_by, acd.overflowing_to))
    previews = Previews(
        speech=speech, recordings=recordings, directory=places.speech, rate=settings.ivr.speech.sample_rate
    )
    simulator = Simulator(
        keeper=keeper,
        versions=versions,
        recordings=recordings,
        queries=simulating.data.queries,
        calendars=partial(opening_hours, acd),
        clock=ground.clock,
    )
    sounds = Sounds(
        previews=previews,
        recordings=recordings,
        directory=settings.ivr.sounds_dir,
        rate=settings.ivr.speech.sample_rate,
    )
    return [
        build_number_routes(access=access, keeper=numbers, calendars=partial(opening_hours, acd)),
        build_simulator_routes(
            access=access, simulator=simulator, sounds=sounds, ears=simulating.ears, audit=ground.audit
        ),
        build_prompt_routes(
            access=access,
            kind=kind,
            keeper=keeper,
            recordings=recordings,
            versions=versions,
            heat=HeatStore(database=ground.database, tenant=ground.tenant),
            uploads=Uploads(settings.ivr),
            previews=previews,
            changes=changes,
            clock=ground.clock,
        ),
        build_router(access=access, kind=kind, keeper=keeper, versions=versions, changes=changes),
    ]


def large_bodies(settings: Settings) -> Sequence[LargeBody]:
    """Requests that carry sound, or a flow with all that was done in it."""
    path = re.compile(r"/api/v1/flows/[^/]+/recordings/[^/]+/[^/]+")
    simulated = re.compile(r"/api/v1/flows/simulate(/trial|/speech)?")
    return [
        LargeBody(method="PUT", path=path, max_bytes=settings.ivr.uploads.max_bytes, seconds=UPLOAD_SECONDS),
        LargeBody(method="POST", path=simulated, max_bytes=SIMULATED_BYTES, seconds=UPLOAD_SECONDS),
    ]
