"""What is searched by, and what a message is read as."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.kernel.errors import Refusal
from gateway.signalling.selection import Selection, source, status_or_class
from gateway.sip.masking import masked
from tests.gateway.signalling.samples import BEGIN, message, request, response


def test_a_request_and_its_answer_say_what_they_are() -> None:
    asked, answered = message(request()), message(response(486))
    assert (asked.method, asked.status, asked.call_id) == ("INVITE", None, "a@b")
    assert (asked.caller, asked.called) == ("13800000001", "95000")
    assert (answered.method, answered.status, answered.call_id) == ("INVITE", 486, "a@b")
    assert (answered.caller, answered.called) == ("13800000001", "95000")


@given(st.binary(max_size=300))
def test_whatever_the_text_it_is_a_message(data: bytes) -> None:
    assert message(data).text == masked(data)


@pytest.mark.parametrize(
    ("selection", "takes"),
    [
        (Selection(), True),
        (Selection(method="INVITE"), True),
        (Selection(method="BYE"), False),
        (Selection(status=4), True),
        (Selection(status=486), True),
        (Selection(status=480), False),
        (Selection(status=2), False),
        (Selection(call_id="a@"), True),
        (Selection(call_id="b@"), False),
        (Selection(caller="1380"), True),
        (Selection(called="1380"), False),
        (Selection(number="95000"), True),
        (Selection(number="9500"), False),
        (Selection(outgoing=True), False),
        (Selection(transport="TCP"), False),
        (Selection(start=BEGIN), True),
        (Selection(end=BEGIN), False),
        (Selection(network=source("192.0.2.0/24")[0]), True),
        (Selection(network=source("192.0.3.0/24")[0]), False),
        (Selection(network=source("2001:db8::/32")[0]), False),
        (Selection(port=5061), False),
        (Selection(belongs=lambda one: False), False),
    ],
)
def test_all_that_is_given_must_fit(selection: Selection, takes: bool) -> None:
    assert selection.takes(message(response(486))) is takes


def test_requests_have_no_status() -> None:
    assert not Selection(status=2).takes(message(request()))


@pytest.mark.parametrize(
    ("text", "network", "port"),
    [
        ("192.0.2.4", "192.0.2.4/32", None),
        (" 192.0.2.4:5070 ", "192.0.2.4/32", 5070),
        ("192.0.2.9/24", "192.0.2.0/24", None),
        ("2001:db8::1", "2001:db8::1/128", None),
        ("[2001:db8::1]:5070", "2001:db8::1/128", 5070),
        ("[2001:db8::1]", "2001:db8::1/128", None),
    ],
)
def test_sources_as_people_write_them(text: str, network: str, port: int | None) -> None:
    found = source(text)
    assert (str(found[0]), found[1]) == (network, port)


@pytest.mark.parametrize(
    "text", ["", "nonsense", "192.0.2.4:x", "192.0.2.4:0", "192.0.2.4:70000", "1.2.3.4/33", "[", "::1]:5"]
)
def test_what_is_no_source_is_refused(text: str) -> None:
    with pytest.raises(Refusal):
        source(text)


@pytest.mark.parametrize(("text", "value"), [("486", 486), ("4xx", 4), ("6XX", 6), (" 180 ", 180)])
def test_statuses_and_classes(text: str, value: int) -> None:
    assert status_or_class(text) == value


@pytest.mark.parametrize("text", ["", "x", "48", "7xx", "0xx", "099", "4444", "xx", "४xx"])
def test_what_is_no_status_is_refused(text: str) -> None:
    with pytest.raises(Refusal):
        status_or_class(text)
