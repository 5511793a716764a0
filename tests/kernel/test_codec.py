from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest

from ccplatform.kernel.codec import Codec, UnknownType


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    VERSION: ClassVar[int] = 3

    seconds: float
    queue: str


CODEC: Codec[Waited] = Codec(
    [Waited],
    lifts={
        ("Waited", 1): lambda fields: {"seconds": fields["ms"] / 1000},
        ("Waited", 2): lambda fields: {**fields, "queue": "unknown"},
    },
)


def test_encoded_form_names_type_and_version() -> None:
    assert CODEC.encode(Waited(seconds=1.5, queue="sales")) == {
        "type": "Waited",
        "v": 3,
        "seconds": 1.5,
        "queue": "sales",
    }


def test_an_old_version_is_lifted_step_by_step() -> None:
    assert CODEC.decode({"type": "Waited", "v": 1, "ms": 1500}) == Waited(seconds=1.5, queue="unknown")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"type": "Slept", "v": 1}, "unknown type 'Slept'"),
        ({"v": 1}, "unknown type None"),
        ({"type": "Waited", "v": 4, "seconds": 1, "queue": ""}, "newer than this program"),
        ({"type": "Waited", "v": 0}, "0 is not a version"),
        ({"type": "Waited", "v": None}, "None is not a version"),
        ({"type": "Waited", "v": "3"}, "'3' is not a version"),
        ({"type": "Waited", "v": 3, "seconds": "long", "queue": ""}, "seconds"),
        ({"type": "Waited", "v": 3, "seconds": 1.0}, "queue"),
    ],
)
def test_what_cannot_be_decoded_says_why(data: dict[str, object], reason: str) -> None:
    with pytest.raises(UnknownType, match=reason):
        CODEC.decode(data)
