"""Errors of the storage.

::

    PlatformError
    ├── Unavailable
    │   ├── DatabaseUnavailable   the server is away, or died midway
    │   │   └── DatabaseBusy      all connections of this process are in use
    │   └── ServerNotStarted      the embedded server cannot be started (the message says what to do)
    └── CannotStart
        └── MigrationError        the schema and this program do not fit each other
"""

from ccplatform.kernel.errors import CannotStart, Unavailable


class DatabaseUnavailable(Unavailable):
    """PostgreSQL cannot be used now."""


class DatabaseBusy(DatabaseUnavailable):
    """No connection of the pool came free in time; the server may be well."""


class ServerNotStarted(Unavailable):
    """The embedded PostgreSQL does not start."""


class MigrationError(CannotStart):
    """A migration file is missing, was changed, or fails."""
