from __future__ import annotations

import dataclasses
from typing import cast

import msgspec
import pytest

from ccplatform.contracts.facts import (
    FACTS,
    AgentStateChanged,
    ContactArrived,
    ContactEnded,
    Fact,
    KeysEntered,
    SipMessageSeen,
    Transferred,
    contact_of,
    is_live,
    personal_fields,
)
from tests.contracts.samples import CONTACT, FACT_TYPES, sample


@pytest.mark.parametrize("cls", FACT_TYPES, ids=lambda cls: cls.__name__)
def test_every_fact_survives_its_way_through_json(cls: type[Fact]) -> None:
    fact = sample(cls)
    over_the_wire = msgspec.json.decode(msgspec.json.encode(FACTS.encode(fact)))
    assert FACTS.decode(over_the_wire) == fact


@pytest.mark.parametrize("cls", FACT_TYPES, ids=lambda cls: cls.__name__)
def test_every_fact_is_frozen_and_slotted(cls: type[Fact]) -> None:
    fact = sample(cls)
    assert not hasattr(fact, "__dict__")
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(fact, dataclasses.fields(cls)[0].name, "changed")


def test_personal_fields_are_those_that_identify_a_person_or_were_keyed() -> None:
    assert personal_fields(ContactArrived) == {"caller", "caller_name", "forwarded_from"}
    assert personal_fields(KeysEntered) == {"keys"}
    assert personal_fields(Transferred) == {"to"}
    assert personal_fields(SipMessageSeen) == {"text"}
    assert personal_fields(ContactEnded) == frozenset()


def test_personal_fields_are_texts_so_that_an_erased_one_can_be_shown_empty() -> None:
    for cls in FACT_TYPES:
        fact, kind = sample(cls), cast(type, cls)
        for name in personal_fields(kind):
            assert isinstance(getattr(fact, name), str), f"{type(fact).__name__}.{name}"


def test_a_fact_says_which_contact_it_belongs_to() -> None:
    assert contact_of(sample(ContactEnded)) == CONTACT
    assert contact_of(sample(AgentStateChanged, contact=None)) is None


def test_sip_traces_are_not_live() -> None:
    assert not is_live(sample(SipMessageSeen))
    assert is_live(sample(ContactEnded))
