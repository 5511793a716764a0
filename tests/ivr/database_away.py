"""Taking the database away from under an opened :class:`Database`."""

from __future__ import annotations

from urllib.parse import urlsplit

from ccplatform.storage.database import Database
from tests.support.database import scratch_server


def take_away(database: Database) -> None:
    """Cut its connections and leave nothing to connect to."""
    scratch_server().drop(urlsplit(database.dsn).path.strip("/"))
