"""REST of what is published: an agent reads what is for him, a supervisor sees who has read what.

No ``from __future__ import annotations`` here: the routes' annotations hold objects of the function below.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query

from ccplatform.contracts.words import AgentState
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.errors import NotFound, Refusal
from ccplatform.security.access import Access
from ccplatform.security.model import Principal
from cti import permissions as may
from cti import schema
from cti.live import LiveView
from cti.publishing import schema as publishing
from cti.publishing.articles import Article
from cti.publishing.kind import READERS
from cti.publishing.store import ArticleStore

_ID = Path(min_length=1, max_length=64)


def build_router(*, access: Access, live: LiveView, store: ArticleStore, clock: Clock) -> APIRouter:
    """``me/articles`` and ``configuration/articles/{id}/readings``."""
    router = APIRouter(tags=["cti"])
    agent = Annotated[Principal, Depends(access.require(*may.DESK))]
    reader = Annotated[Principal, Depends(access.require(*READERS))]

    async def mine(principal: Principal) -> list[Article]:
        known = live.agents.get(principal.agent) if principal.agent is not None else None
        now = clock.wall()
        return [
            article
            for article in await store.articles()
            if known is not None and article.is_valid(now) and article.is_for(known, live.queues)
        ]

    @router.get("/me/articles", response_model=schema.Page[publishing.PublishedArticle])
    async def my_articles(
        principal: agent,
        search: Annotated[str, Query(max_length=100, examples=["refund"])] = "",
        limit: Annotated[int, Query(ge=1, le=100)] = 100,
    ) -> Any:
        """What is published for me now: urgent ones that I have not read first, then the newest; of a search,
        those with all its words. A search finds what is past the limit."""
        read = await store.read_by(_reader(principal))
        items = [
            _item(article, read=read.get(article.id) == article.version)
            for article in await mine(principal)
            if article.fits(search)
        ]
        items.sort(key=lambda item: item["read"] or not item["urgent"])
        return {"items": items[:limit], "next_cursor": None}

    @router.post("/me/articles/{article_id}/read", response_model=schema.Accepted)
    async def read_article(principal: agent, article_id: Annotated[str, _ID], what: publishing.ReadArticle) -> Any:
        """I have read this text of it. Said again, it changes nothing; 412 when the text is another by now."""
        article = next((each for each in await mine(principal) if each.id == article_id), None)
        if article is None:
            raise NotFound(f"no article {article_id} is published for you")
        if article.version != what.version:
            raise Refusal(f"article {article_id} was changed meanwhile; read it again", code="changed_meanwhile")
        await store.read(article_id, _reader(principal), article.version)
        return {"done": True}

    @router.get("/configuration/articles/{article_id}/readings", response_model=publishing.Readings)
    async def readings(principal: reader, article_id: Annotated[str, _ID]) -> Any:
        """Who has read the article as it is now, who an earlier text, and which agents that it is for have not."""
        article = next((each for each in await store.articles() if each.id == article_id), None)
        if article is None:
            raise NotFound(f"there is no article {article_id}")
        there = await store.readings(article_id)
        now = [reading for reading in there if reading.version == article.version]
        done = {reading.reader for reading in now}
        return {
            "items": [{"reader": reading.reader, "at": reading.at} for reading in now],
            "earlier": [reading.reader for reading in there if reading.version != article.version],
            "missing": [
                {"agent": each.id, "signed_in": each.state is not AgentState.SIGNED_OUT}
                for each in live.agents.values()
                if article.is_for(each, live.queues) and each.id not in done and may.sees(principal, live, each.id)
            ],
            "next_cursor": None,
        }

    return router


def _reader(principal: Principal) -> str:
    """People are known by their agent number (工号)."""
    return principal.agent or principal.user


def _item(article: Article, *, read: bool) -> dict[str, Any]:
    return {
        "id": article.id,
        "title": article.title,
        "text": article.text,
        "urgent": article.urgent,
        "until": article.until,
        "changed_at": article.changed_at,
        "version": article.version,
        "read": read,
    }
