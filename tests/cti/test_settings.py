"""Settings of the desk side are checked before anything starts (R10.4.b)."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from cti.settings import CtiSettings


def test_the_defaults_are_legal() -> None:
    assert CtiSettings().events.authentication_seconds == 5


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"country_code": "+86"}, "country_code"),
        ({"events": {"queue_messages": 1}}, "queue_messages"),
        ({"events": {"colour": 1}}, "colour"),
    ],
)
def test_wrong_settings_are_refused_where_they_stand(wrong: dict[str, object], where: str) -> None:
    with pytest.raises(ValidationError, match=where):
        CtiSettings.model_validate(wrong)
