"""What is published and who has read it, as it looks from outside."""

from __future__ import annotations

from pydantic import AwareDatetime, Field

from cti.schema import WHEN, Model, Page


class PublishedArticle(Model):
    """What a supervisor has published, as its readers see it."""

    id: str = Field(examples=["refunds"])
    title: str = Field(examples=["Refunds"])
    text: str
    urgent: bool = Field(description="To be shown until it is read.")
    until: AwareDatetime | None = Field(description="Shown until then.", examples=[WHEN])
    changed_at: AwareDatetime = Field(examples=[WHEN])
    version: str = Field(description="Names this text of it.")
    read: bool = Field(description="Whether I have read this text.")


class ReadArticle(Model):
    """Which text was read."""

    version: str = Field(min_length=1, max_length=64)


class ArticleReading(Model):
    """An agent who has read it."""

    reader: str = Field(description="Agent number (工号).", examples=["1004"])
    at: AwareDatetime = Field(examples=[WHEN])


class MissingReader(Model):
    """An agent who has not."""

    agent: str = Field(examples=["1005"])
    signed_in: bool


class Readings(Page[ArticleReading]):
    """Who has read the present text of an article, who only an earlier one, and who of its readers has not."""

    earlier: list[str]
    missing: list[MissingReader]
