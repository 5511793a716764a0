"""Causes of Q.850 and statuses of SIP."""

from __future__ import annotations

import pytest

from ccplatform.contracts.words import ReleaseCause
from gateway.isdn.causes import cause_of, known, outcome_of, reason_of, status_of, text_of

CAUSES = range(1, 128)


@pytest.mark.parametrize("cause", CAUSES)
def test_every_cause_has_a_text_a_status_and_an_outcome(cause: int) -> None:
    assert text_of(cause)
    assert 400 <= status_of(cause) <= 606
    assert outcome_of(cause) is not ReleaseCause.NORMAL
    assert known(cause) == cause or (known(cause) > cause and known(cause) - cause < 32)
    assert reason_of(cause).startswith(f"Q.850;cause={cause};text=")
    assert cause_of(status_of(cause), cause) == cause


@pytest.mark.parametrize(
    ("cause", "status", "outcome"),
    [
        (1, 404, ReleaseCause.NOT_FOUND),
        (17, 486, ReleaseCause.BUSY),
        (18, 408, ReleaseCause.NO_ANSWER),
        (19, 480, ReleaseCause.NO_ANSWER),
        (21, 403, ReleaseCause.REJECTED),
        (22, 410, ReleaseCause.NOT_FOUND),
        (28, 484, ReleaseCause.NOT_FOUND),
        (34, 503, ReleaseCause.BUSY),
        (42, 503, ReleaseCause.OVERLOAD),
        (88, 488, ReleaseCause.INCOMPATIBLE),
        (102, 504, ReleaseCause.FAILED),
    ],
)
def test_causes_that_a_caller_tells_apart(cause: int, status: int, outcome: ReleaseCause) -> None:
    assert (status_of(cause), outcome_of(cause)) == (status, outcome)


@pytest.mark.parametrize("status", range(300, 700))
def test_every_status_has_a_cause(status: int) -> None:
    assert cause_of(status) in CAUSES


@pytest.mark.parametrize(
    ("status", "q850", "cause"),
    [
        (0, None, 16),
        (404, None, 1),
        (486, None, 17),
        (503, None, 41),
        (503, 42, 42),
        (480, 0, 18),
        (699, None, 21),
    ],
)
def test_statuses_and_their_reasons(status: int, q850: int | None, cause: int) -> None:
    assert cause_of(status, q850) == cause


@pytest.mark.parametrize("cause", [-1, 0, 128])
def test_what_is_no_cause_is_refused(cause: int) -> None:
    with pytest.raises(ValueError, match="no cause"):
        known(cause)
