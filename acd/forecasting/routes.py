"""REST of the forecast.

No ``from __future__ import annotations`` here: the routes' annotations hold objects of :func:`build_router`.
"""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, Field

from acd.forecasting.model import QueueForecast
from acd.forecasting.service import Forecasting
from ccplatform.contracts.words import Role
from ccplatform.security.access import Access, Principal

_READERS = (Role.SUPERVISOR, Role.AUDITOR, Role.MAINTAINER, Role.ADMIN)


class ForecastStep(BaseModel):
    """What is expected of a quarter of an hour."""

    begin: AwareDatetime
    arrivals: float
    agents: float = Field(
        description="signed in; who serves several queues is shared out among them by their load"
    )
    wait_seconds: float | None = Field(description="mean of all callers; null: it would grow without end")
    abandoned: float = Field(description="share of callers who give up")
    more: int = Field(description="further agents that it takes; 0: it holds")


class ForecastMiss(BaseModel):
    """Quarters in a row that do not hold; the worst of each figure."""

    begin: AwareDatetime
    end: AwareDatetime
    wait_seconds: float | None
    abandoned: float
    more: int


class ForecastItem(BaseModel):
    """The next hours of a queue (Erlang A)."""

    queue: str
    name: str
    sentence: str
    sentence_zh: str
    target_seconds: float = Field(description="of the mean wait (R10.3.2.d)")
    handling_seconds: float | None = Field(description="mean of the last week; null: too few talks")
    patience_seconds: float | None = Field(description="mean of the last week; null: too few gave up")
    misses: list[ForecastMiss]
    steps: list[ForecastStep] = Field(description="empty: too few talks for a forecast")


class ForecastList(BaseModel):
    """Every queue."""

    items: list[ForecastItem]
    next_cursor: str | None = None


def build_router(*, access: Access, forecasting: Forecasting) -> APIRouter:
    """The route; paths without the prefix ``/api/v1``."""
    router = APIRouter(tags=["queues"])

    @router.get("/forecast")
    async def forecast(principal: Annotated[Principal, Depends(access.require(*_READERS))]) -> ForecastList:
        """The next hours of every queue: arrivals, agents, waits, and what is missing (R6.2, R10.3.2.d)."""
        return ForecastList(items=[_item(forecasting, found) for found in forecasting.current])

    return router


def _item(forecasting: Forecasting, forecast: QueueForecast) -> ForecastItem:
    chinese, english = forecasting.sentences(forecast)
    return ForecastItem(
        queue=forecast.queue,
        name=forecast.name,
        sentence=english,
        sentence_zh=chinese,
        target_seconds=forecasting.limits.wait_seconds,
        handling_seconds=forecast.handling_seconds,
        patience_seconds=forecast.patience_seconds,
        misses=[
            ForecastMiss(
                begin=miss.begins,
                end=miss.ends,
                wait_seconds=miss.wait_seconds,
                abandoned=miss.abandoned,
                more=miss.more,
            )
            for miss in forecast.misses
        ],
        steps=[
            ForecastStep(
                begin=step.begins,
                arrivals=step.arrived,
                agents=step.agents,
                wait_seconds=step.wait_seconds,
                abandoned=step.abandoned,
                more=step.more,
            )
            for step in forecast.steps
        ],
    )
