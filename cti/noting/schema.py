"""Notes of contacts, as they look from outside."""

from __future__ import annotations

from pydantic import AwareDatetime, Field

from ccplatform.operations.orders import Once
from cti.noting.notes import MAX_NOTE
from cti.schema import WHEN, Model


class DispositionChoice(Model):
    """What the contact may come to."""

    id: str = Field(examples=["solved"])
    name: str = Field(examples=["Solved"])


class NoteForm(Model):
    """What an agent can say of a contact, and what he has said."""

    contact: str
    queue: str | None = Field(examples=["support"])
    dispositions: list[DispositionChoice] = Field(description="Those of its queue and those of all, in order.")
    disposition: str = Field(description="The id of the one chosen, '' for none.", examples=["solved"])
    note: str
    saved_at: AwareDatetime | None = Field(description="null: nothing was written yet.", examples=[WHEN])


class WantedNote(Once):
    """What is to be kept."""

    disposition: str = Field("", max_length=64, description="'': none.", examples=["solved"])
    note: str = Field("", max_length=MAX_NOTE)


class SavedNote(Model):
    """It is kept."""

    saved_at: AwareDatetime = Field(examples=[WHEN])


class WrapUpLeft(Model):
    """How long the wrap-up lasts from now on."""

    left_seconds: float = Field(examples=[38.5])
