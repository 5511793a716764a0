"""Settings of stores: what cannot work is refused with its reason, secrets are never shown."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from recording.settings import RecordingSettings
from recording.stores.building import build_stores
from recording.stores.directory import DirectoryStore
from recording.stores.s3 import BucketStore

NAS = {"name": "nas", "kind": "directory", "directory": "/mnt/nas"}
FAR = {"name": "far", "kind": "s3", "bucket": "recordings", "access_key": "id", "secret_key": "very secret"}


def test_each_kind_is_built_and_no_secret_shown() -> None:
    settings = RecordingSettings.model_validate({"stores": [NAS, FAR], "keep_here_days": 7})
    near, far = build_stores(settings.stores)
    assert isinstance(near, DirectoryStore)
    assert isinstance(far, BucketStore)
    assert (near.name, far.name) == ("nas", "far")
    assert "very secret" not in repr(settings)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"stores": [{**NAS, "directory": "mnt"}]}, "absolute"),
        ({"stores": [{"name": "nas", "kind": "directory"}]}, "needs `directory`"),
        ({"stores": [{**NAS, "bucket": "recordings"}]}, "a directory has none"),
        ({"stores": [{"name": "far", "kind": "s3"}]}, "needs `bucket`"),
        ({"stores": [{**FAR, "secret_key": ""}]}, "go together"),
        ({"stores": [{**FAR, "endpoint": "s3.example.org"}]}, "https://host:port"),
        ({"stores": [{**FAR, "endpoint": "http://host:port"}]}, "https://host:port"),
        ({"stores": [{**FAR, "endpoint": "http://a:b@host/"}]}, "https://host:port"),
        ({"stores": [{**FAR, "prefix": "../.."}]}, "prefix"),
        ({"stores": [NAS, NAS]}, "two stores have the same name"),
        ({"stores": [{**NAS, "name": "Nas"}]}, "name"),
        ({"keep_here_days": 7}, "needs stores"),
    ],
)
def test_wrong_stores_are_refused_with_their_reason(change: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        RecordingSettings.model_validate(change)
