"""Settings of the stores that get copies (section ``recording.stores``)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator


def _absolute(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError("must be an absolute path")
    return path


class StoreSettings(BaseModel):
    """A store that gets a copy of every recording at rest, sealed as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,31}$", description="Its name in rows, alarms and the audit.")
    kind: Literal["directory", "s3"] = Field(description="A directory, or a bucket that speaks the S3 protocol.")
    directory: Annotated[Path, AfterValidator(_absolute)] | None = Field(
        None, description="Of a directory: where; it must be there, so that nothing fills the place of a mount."
    )
    bucket: str = Field("", pattern=r"^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?$", description="Of S3: the bucket.")
    prefix: str = Field(
        "", pattern=r"^([\w-][\w.-]*(/[\w-][\w.-]*)*)?$", max_length=200, description="What its keys begin with."
    )
    endpoint: str = Field("", max_length=300, description="`https://host:port`; empty: Amazon's of the region.")
    region: str = Field("us-east-1", pattern=r"^[a-z0-9-]{1,40}$", description="Region of the bucket.")
    access_key: str = Field(
        "",
        max_length=200,
        description="Id of the access key; empty: `AWS_ACCESS_KEY_ID` and so on, or the machine's role.",
    )
    secret_key: SecretStr = Field(SecretStr(""), max_length=500, description="The secret of the access key.")
    timeout_seconds: float = Field(30.0, ge=1, le=600, description="A request takes no longer.")

    @model_validator(mode="after")
    def _fits_its_kind(self) -> StoreSettings:
        if (self.kind == "directory") != (self.directory is not None):
            raise ValueError(f"store {self.name!r}: a directory needs `directory`, a bucket has none")
        if (self.kind == "s3") != bool(self.bucket):
            raise ValueError(f"store {self.name!r}: s3 needs `bucket`, a directory has none")
        if bool(self.access_key) != bool(self.secret_key.get_secret_value()):
            raise ValueError(f"store {self.name!r}: access_key and secret_key go together")
        if self.endpoint and not _is_origin(self.endpoint):
            raise ValueError(f"store {self.name!r}: the endpoint is https://host:port or http://host:port")
        return self


def _is_origin(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    told = parts.scheme in ("http", "https") and bool(parts.hostname)
    return told and not (parts.path.strip("/") or parts.query or parts.fragment or parts.username)
