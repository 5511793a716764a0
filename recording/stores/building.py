"""The stores that the settings tell of."""

from __future__ import annotations

from collections.abc import Iterable

from recording.stores.directory import DirectoryStore
from recording.stores.model import Store
from recording.stores.settings import StoreSettings


def build_store(settings: StoreSettings) -> Store:
    """One of them; nothing is asked of it yet."""
    if settings.directory is not None:
        return DirectoryStore(settings.name, settings.directory)
    from recording.stores.s3 import BucketStore  # its library is loaded where a bucket is used

    return BucketStore(
        settings.name,
        bucket=settings.bucket,
        prefix=settings.prefix,
        endpoint=settings.endpoint,
        region=settings.region,
        access_key=settings.access_key,
        secret_key=settings.secret_key.get_secret_value(),
        timeout_seconds=settings.timeout_seconds,
    )


def build_stores(settings: Iterable[StoreSettings]) -> list[Store]:
    """All of them, in their order."""
    return [build_store(one) for one in settings]
