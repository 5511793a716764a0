"""A bucket of an object store that speaks the S3 protocol, by ``obstore`` (docs/decisions/0054)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import obstore
from obstore.exceptions import BaseError, GenericError
from obstore.store import S3Store

from recording.stores.model import StoreAway

#: A request is tried again for so long; whoever waits for a copy tries again later.
_RETRY: Final = timedelta(seconds=10)
if TYPE_CHECKING:
    from obstore.store import S3Config

_MAX_REASON: Final = 200


class BucketStore:
    """Implements :class:`recording.stores.model.Store`.

    Without ``access_key`` the environment (``AWS_ACCESS_KEY_ID``, …) or the machine's role says who asks.
    """

    def __init__(
        self,
        name: str,
        *,
        bucket: str,
        prefix: str = "",
        endpoint: str = "",
        region: str = "us-east-1",
        access_key: str = "",
        secret_key: str = "",
        timeout_seconds: float = 30.0,
    ) -> None:
        self.name = name
        config: S3Config = {"region": region, "checksum_algorithm": "SHA256"}
        if access_key:
            config |= {"access_key_id": access_key, "secret_access_key": secret_key}
        if endpoint:
            config |= {"endpoint": endpoint, "virtual_hosted_style_request": False}
        self._store = S3Store(
            bucket,
            prefix=prefix or None,
            config=config,
            client_options={
                "timeout": f"{timeout_seconds}s",
                "connect_timeout": f"{min(timeout_seconds, 5.0)}s",
                "allow_http": endpoint.startswith("http://"),
            },
            retry_config={"max_retries": 3, "retry_timeout": _RETRY},
        )

    def put(self, key: str, parts: Iterator[bytes]) -> None:
        """See :class:`Store`."""
        with self._errors():
            obstore.put(self._store, key, parts)

    def read(self, key: str, first: int, length: int) -> bytes:
        """See :class:`Store`."""
        with self._errors():
            return bytes(obstore.get_range(self._store, key, start=first, length=length))

    def size(self, key: str) -> int:
        """See :class:`Store`."""
        with self._errors():
            return int(obstore.head(self._store, key)["size"])

    def remove(self, key: str) -> None:
        """See :class:`Store`."""
        with self._errors():
            try:
                obstore.delete(self._store, key)
            except FileNotFoundError:
                return

    def keys(self, prefix: str) -> Iterator[str]:
        """See :class:`Store`."""
        with self._errors():
            for page in obstore.list(self._store, prefix or None):
                for found in page:
                    yield found["path"]

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except (BaseError, GenericError, OSError, ValueError) as error:
            raise StoreAway(self.name, str(error).split("\n")[0][:_MAX_REASON]) from error
