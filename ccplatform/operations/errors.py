"""Errors of the operations package.

::

    PlatformError
    └── BackupFailed   a backup or a restore was not done; nothing was changed
"""

from ccplatform.kernel.errors import PlatformError


class BackupFailed(PlatformError):
    """A backup or a restore was not done."""
