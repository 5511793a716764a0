"""What supervisors publish for agents (R10.1.d): notices, short articles, whom they are for, what a search finds.

Pure. An article is for the agents of its teams and those who serve its queues; without either, for all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ccplatform.contracts.words import QueueId
from cti.figures import has_skills
from cti.model import LiveAgent, LiveQueue

#: Longest title and text, characters.
MAX_TITLE, MAX_TEXT = 200, 20_000
#: Most articles that are kept at a time.
MAX_ARTICLES: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One of them. ``urgent`` ones are shown until they are read; it is valid from ``since`` until ``until``."""

    id: str
    title: str
    text: str
    urgent: bool
    teams: tuple[str, ...]
    queues: tuple[QueueId, ...]
    since: datetime | None
    until: datetime | None
    changed_at: datetime

    @property
    def version(self) -> str:
        """Names title and text: to whom it is shown, and when, makes no other article of it."""
        return hashlib.sha256(f"{self.title}\0{self.text}".encode()).hexdigest()[:20]

    def is_valid(self, now: datetime) -> bool:
        """Whether it is to be shown at that time."""
        return (self.since is None or self.since <= now) and (self.until is None or now < self.until)

    def is_for(self, agent: LiveAgent, queues: Mapping[QueueId, LiveQueue]) -> bool:
        """Whether it concerns this agent."""
        if not self.teams and not self.queues:
            return True
        serves = (queues[queue] for queue in self.queues if queue in queues)
        return agent.team in self.teams or any(has_skills(agent.skills, queue.skills) for queue in serves)

    def fits(self, search: str) -> bool:
        """Whether each word of the search is in its title or text, in whatever letters."""
        text = f"{self.title}\n{self.text}".casefold()
        return all(word in text for word in search.casefold().split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Who has read which text of an article, and when."""

    reader: str
    version: str
    at: datetime
