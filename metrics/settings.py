"""Settings of the metrics package."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from metrics.model import FoldRules


class MetricsSettings(BaseModel):
    """How figures are computed and who may scrape them. Targets of clauses are no settings: see definitions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    service_level_seconds: float = Field(
        default=20.0, gt=0, le=3600, description="Y of the service level X/Y for queues without their own"
    )
    short_abandon_seconds: float = Field(
        default=5.0, ge=0, le=60, description="abandons before this are also shown apart as short ones, seconds"
    )
    meal_reasons: frozenset[str] = Field(
        default=frozenset({"meal", "lunch"}),
        description="not-ready reasons that count as meal; every other one counts as break (D-UTIL)",
    )
    design_load_erlang: float = Field(
        default=0.9, gt=0, le=1, description="design load per trunk channel, Erlang (10.3.1.1: busy ≈ 0.9)"
    )
    watch_seconds: float = Field(
        default=15.0, ge=0, le=3600, description="how often section 10.3 is looked at for alarms; 0: never"
    )
    sum_up_seconds: float = Field(
        default=300.0,
        ge=0,
        le=86_400,
        description="how often reports are summed up ahead; 0: never",
    )
    repeat_days: int = Field(
        default=7,
        ge=1,
        le=90,
        description="a caller who comes back within so many days was not served (D-FCR); a change holds for "
        "contacts that are not judged yet",
    )
    trunk_full_ratio: float = Field(
        default=0.9,
        gt=0,
        le=1,
        description="channels in use of a trunk's from which its saturation is an alarm (R6.3)",
    )
    max_open_contacts: int = Field(
        default=100_000, ge=100, le=5_000_000, description="contacts followed at once; the oldest go first"
    )
    max_label_values: int = Field(
        default=500, ge=10, le=10_000, description="distinct queues (and trunks) told apart; the rest is 'other'"
    )
    live_buffer: int = Field(
        default=200_000, ge=1000, le=5_000_000, description="live facts kept while the journal is being read"
    )
    scrape_networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(IPv4Network("127.0.0.0/8"), IPv6Network("::1/128")),
        description="addresses that may read /metrics when no scrape_token is set",
    )
    scrape_token: SecretStr | None = Field(
        default=None, description="when set, /metrics wants it as bearer token, from whatever address"
    )

    def rules(self, zone: ZoneInfo) -> FoldRules:
        """What the fold needs of these settings; ``zone``: whose midnight begins a day."""
        return FoldRules(
            zone=zone,
            short_abandon_us=round(self.short_abandon_seconds * 1_000_000),
            meal_reasons=self.meal_reasons,
            design_load_erlang=self.design_load_erlang,
            max_open_contacts=self.max_open_contacts,
            max_names=self.max_label_values,
        )
