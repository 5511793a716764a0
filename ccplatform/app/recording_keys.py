"""Where the master keys of recordings are, by the settings."""

from __future__ import annotations

import os

from ccplatform.app.places import Places
from ccplatform.app.settings import Settings
from ccplatform.kernel.clock import Clock
from ccplatform.security.key_ring import KeyRing, open_ring
from ccplatform.security.key_service import KeyService, ServicePlace, token_from


def ring_of(settings: Settings, places: Places, clock: Clock) -> KeyRing:
    """The keys of recordings, from where the settings say; raises VaultClosed."""
    own = settings.recording
    if own.keys != "kms":
        return open_ring(own.keys, places.root)
    there = own.key_service
    place = ServicePlace(
        url=there.url,
        engine=there.engine.strip("/"),
        key=there.key,
        token=token_from(there.token_file, os.environ),
        timeout_seconds=there.timeout_seconds,
    )
    return open_ring(KeyService(place, clock), places.root)
