"""All settings of a node: one TOML file, then ``CCP_…`` environment variables, then flags (R10.4.b).

Each package owns the model of its section; here they are put together. An environment variable is named by its
path with two underscores, e.g. ``CCP_SIP__PORT=5070``.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from importlib.resources import files
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError

from acd.settings import AcdSettings
from ccplatform.app.errors import WrongConfiguration
from ccplatform.calls.settings import CallsSettings
from ccplatform.operations.settings import ClockSettings, RetentionSettings
from ccplatform.proof.settings import ProbeSettings
from ccplatform.security.key_ring import KEYS_VARIABLE
from ccplatform.security.key_service import TOKEN_VARIABLE
from ccplatform.security.settings import SecuritySettings
from ccplatform.storage.settings import DatabaseSettings, JournalSettings
from cti.settings import CtiSettings
from gateway.isdn.settings import IsdnSettings
from gateway.media.settings import MediaSettings
from gateway.sip.settings import SipSettings
from ivr.settings import IvrSettings
from metrics.scheduling.settings import ReportSettings
from metrics.settings import MetricsSettings
from recording.settings import RecordingSettings

#: What the names of environment variables begin with, and what parts section and name.
PREFIX, DELIMITER = "CCP_", "__"
#: Variables of ours that are no settings: of the vault, the command line, the compose file, the pages' workshop.
OTHER_VARIABLES = frozenset(
    {"CCP_MASTER_KEY", "CCP_USER_PASSWORD", "CCP_CONFIG", "CCP_URL", KEYS_VARIABLE, TOKEN_VARIABLE}
)
#: Variables for the tests.
TEST_PREFIX = "CCP_TEST_"

#: Largest configuration file that is read, bytes.
MAX_FILE_BYTES = 1024 * 1024


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NodeSettings(_Section):
    """The node itself."""

    data_dir: Path = Field(Path("var"), description="Where the database, recordings and caches are kept.")
    tenant: str = Field("default", pattern=r"^[a-z0-9_-]{1,32}$", description="Name of the tenant.")
    zone: str = Field("Asia/Shanghai", description="Time zone of the centre: its days, schedules and reports.")
    drain_seconds: float = Field(60.0, ge=0, le=86400, description="How long SIGTERM lets running calls go on.")

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"no time zone is named {zone!r}") from error
        return zone

    @property
    def zone_info(self) -> ZoneInfo:
        """The zone itself."""
        return ZoneInfo(self.zone)


class HttpSettings(_Section):
    """Pages and REST."""

    bind_ip: IPv4Address | IPv6Address = Field(IPv4Address("127.0.0.1"), description="Address to listen on.")
    port: int = Field(8080, ge=1, le=65535, description="TCP port.")
    tls_cert: Path | None = Field(None, description="Certificate chain (PEM); with tls_key the pages are HTTPS.")
    tls_key: Path | None = Field(None, description="Private key (PEM).")
    max_body_bytes: int = Field(1024 * 1024, ge=1024, le=1 << 30, description="Largest request body.")
    max_connections: int = Field(
        4000, ge=10, le=100_000, description="Connections at once, event sockets included; more get 503."
    )


class LogSettings(_Section):
    """Logs."""

    format: Literal["text", "json"] = Field("text", description="For people, or one JSON object a line.")
    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is written.")


class Settings(BaseSettings):
    """Every section; unknown names are refused."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=DELIMITER, extra="forbid", frozen=True, env_ignore_empty=True
    )

    node: NodeSettings = NodeSettings()
    clock: ClockSettings = ClockSettings()
    log: LogSettings = LogSettings()
    database: DatabaseSettings = DatabaseSettings()
    http: HttpSettings = HttpSettings()
    sip: SipSettings = SipSettings()
    isdn: IsdnSettings = IsdnSettings()
    media: MediaSettings = MediaSettings()
    calls: CallsSettings = CallsSettings()
    acd: AcdSettings = AcdSettings()
    ivr: IvrSettings = IvrSettings()
    recording: RecordingSettings = RecordingSettings()

    metrics: MetricsSettings = MetricsSettings()
    reports: ReportSettings = ReportSettings()
    probe: ProbeSettings = ProbeSettings()

    cti: CtiSettings = CtiSettings()
    security: SecuritySettings = SecuritySettings()
    journal: JournalSettings = JournalSettings()
    retention: RetentionSettings = RetentionSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over file; flags are laid over both by :func:`load_settings`."""
        return (env_settings, init_settings)


def own_host(settings: Settings) -> str:
    """Where this node's SIP is reached from this machine."""
    bound = ip_address(settings.sip.bind_ip)

    return ("::1" if bound.version == 6 else "127.0.0.1") if bound.is_unspecified else str(bound)


def load_settings(
    file: Path | None = None, *, demo: bool = False, flags: Mapping[str, Mapping[str, Any]] | None = None
) -> Settings:
    """Read and check everything; raises :class:`WrongConfiguration` with every problem found."""
    data = _read_toml(files("config").joinpath("default.toml").read_text("utf-8"), "config/default.toml")
    if demo:
        _lay_over(data, _read_toml(files("config").joinpath("demo.toml").read_text("utf-8"), "config/demo.toml"))
    if file is not None:
        _lay_over(data, _read_file(file))
    where = str(file) if file is not None else "configuration"
    _check_environment(os.environ)
    settings = _checked(where, lambda: Settings(**data))
    if not flags:
        return settings
    merged = settings.model_dump(mode="python")
    _lay_over(merged, {section: dict(values) for section, values in flags.items()})
    return _checked("command line", lambda: _without_environment(merged))


def shown_settings(settings: Settings) -> str:
    """Everything that is in force, as JSON; secrets as stars."""
    data = settings.model_dump(mode="json")
    data["database"]["url"] = without_password(data["database"]["url"])
    return json.dumps(data, indent=2, ensure_ascii=False)


def without_password(text: str) -> str:
    """A text in which the password of a URL is stars."""
    return re.sub(r"(://[^:/@\s]*):[^@\s]*@", r"\1:***@", text)


class _Plain(Settings):
    """Settings whose sources are laid over each other already."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def _without_environment(data: dict[str, Any]) -> Settings:
    return _Plain(**data)


def _check_environment(environment: Mapping[str, str]) -> None:
    """Refuse variables of ours that mean nothing: a misspelt one would be passed over in silence."""
    known = tuple(f"{PREFIX}{section.upper()}" for section in Settings.model_fields)
    strange = [
        name
        for name in sorted(environment)
        if name.upper().startswith(PREFIX)
        and name not in OTHER_VARIABLES
        and not name.startswith(TEST_PREFIX)
        and not name.upper().startswith(tuple(f"{section}{DELIMITER}" for section in known))
        and name.upper() not in known
    ]
    if strange:
        problems = [f"{name}: no such setting; a name is {PREFIX}SECTION{DELIMITER}NAME" for name in strange]
        raise WrongConfiguration("environment", problems)


def _checked(where: str, build: Callable[[], Settings]) -> Settings:
    try:
        settings = build()
    except ValidationError as error:
        problems = [_problem(item) for item in error.errors(include_url=False, include_context=False)]
        raise WrongConfiguration(where, problems) from None
    except SettingsError as error:
        raise WrongConfiguration("environment", [f"{error}: {error.__cause__}"]) from None
    if (settings.http.tls_cert is None) != (settings.http.tls_key is None):
        raise WrongConfiguration(where, ["http.tls_cert and http.tls_key: give both or none"])
    for name, file in (("http.tls_cert", settings.http.tls_cert), ("http.tls_key", settings.http.tls_key)):
        if file is not None and not os.access(file, os.R_OK):
            raise WrongConfiguration(where, [f"{name} = {str(file)!r}: the file cannot be read"])
    problems = list(settings.ivr.problems())
    if problems:
        raise WrongConfiguration(where, problems)
    return settings


def _problem(item: ErrorDetails) -> str:
    path = ".".join(str(part) for part in item["loc"])
    variable = PREFIX + DELIMITER.join(str(part).upper() for part in item["loc"])
    origin = f" (given by {variable})" if variable in os.environ else ""
    return f"{path} = {_shown(item['input'])}: {item['msg']}{origin}"


def _shown(value: Any) -> str:
    text = without_password(repr(value))
    return text if len(text) <= 80 else text[:77] + "…"


def _read_file(file: Path) -> dict[str, Any]:
    try:
        if file.exists() and not file.is_file():
            raise WrongConfiguration(str(file), ["is not a file"])
        if file.stat().st_size > MAX_FILE_BYTES:
            raise WrongConfiguration(str(file), [f"larger than {MAX_FILE_BYTES} bytes"])
        text = file.read_text("utf-8")
    except OSError as error:
        raise WrongConfiguration(str(file), [f"cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        raise WrongConfiguration(str(file), [f"is not UTF-8 text: {error.reason} at byte {error.start}"]) from None
    return _read_toml(text, str(file))


def _read_toml(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise WrongConfiguration(where, [f"is not TOML: {error}"]) from None
    except RecursionError:
        raise WrongConfiguration(where, ["is not TOML that anybody writes: nested too deeply"]) from None


def _lay_over(data: dict[str, Any], upper: Mapping[str, Any]) -> None:
    for key, value in upper.items():
        if isinstance(value, Mapping) and isinstance(data.get(key), dict):
            _lay_over(data[key], value)
        else:
            data[key] = dict(value) if isinstance(value, Mapping) else value
