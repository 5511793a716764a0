"""The clock compared with time servers over UDP, and what becomes of that: alarms, REST, gauges (R10.6.b)."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ccplatform.app.clock_watching import ClockWatching, kernel_clock
from ccplatform.contracts.words import Severity
from ccplatform.kernel.clock import SystemClock
from ccplatform.operations.settings import ClockSettings, time_server
from metrics.lines import line_gauges
from tests.support.time_server import TimeServer


class Told:
    """Alarms that are up."""

    def __init__(self) -> None:
        self.up: dict[str, tuple[Severity, str]] = {}

    def raise_alarm(self, kind: str, subject: str, severity: Severity, text: str) -> None:
        self.up[kind] = severity, text

    def clear_alarm(self, kind: str, subject: str) -> None:
        self.up.pop(kind, None)


def watching(told: Told, *servers: str) -> ClockWatching:
    return ClockWatching(ClockSettings(servers=servers), clock=SystemClock(), alarms=told)


async def test_a_clock_that_is_off_is_an_urgent_alarm_until_it_is_right() -> None:
    told = Told()
    async with TimeServer() as server:
        watch = watching(told, server.name)
        server.ahead = 30.0
        for _ in range(2):
            await watch.look()
        severity, text = told.up["clock_off"]
        assert severity is Severity.URGENT
        assert "behind the time servers" in text
        state = watch.state()
        assert state.offset_seconds == pytest.approx(30.0, abs=3.0)
        assert (state.servers[0].server, state.servers[0].stratum) == (server.name, 2)
        (offset,) = (value for name, _, value in line_gauges({"clock": watch.gauges()}) if "offset" in name)
        assert offset == state.offset_seconds
        server.ahead = 0.0
        for _ in range(2):
            await watch.look()
        assert not told.up


async def test_an_alarm_outlives_a_watch_that_begins_anew_until_that_knows_better() -> None:
    told = Told()
    async with TimeServer() as server:
        server.ahead = 30.0
        first = watching(told, server.name)
        for _ in range(2):
            await first.look()
        second = watching(told, server.name)  # the process was restarted; control kept the alarm
        server.ahead = 0.0
        await second.look()
        assert "clock_off" in told.up
        await second.look()
        assert not told.up


async def test_a_server_that_does_not_answer_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ccplatform.app.clock_watching.ANSWER_SECONDS", 0.05)
    told = Told()
    async with TimeServer() as server:
        server.silent = True
        watch = watching(told, server.name, "no-such-host.invalid")
        for _ in range(2):
            await watch.look()
        severity, text = told.up["clock_unwatched"]
        assert severity is Severity.NON_URGENT
        assert f"{server.name}: no answer" in text
        assert watch.state().offset_seconds is None


async def test_without_servers_the_kernel_is_shown() -> None:
    told = Told()
    watch = watching(told)
    await watch.look()
    kernel, state = kernel_clock(), watch.state()
    assert kernel is not None
    assert (state.servers, state.offset_seconds, told.up) == ([], None, {})
    assert (state.source, state.synchronised) == ("ntp" if kernel.synchronised else "system", kernel.synchronised)
    assert watch.gauges()["synchronised"] == float(kernel.synchronised)


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("ntp.example.org", ("ntp.example.org", 123)),
        ("192.0.2.1:1123", ("192.0.2.1", 1123)),
        ("[2001:db8::1]", ("2001:db8::1", 123)),
        ("[2001:db8::1]:1123", ("2001:db8::1", 1123)),
    ],
)
def test_servers_are_named_with_or_without_a_port(name: str, address: tuple[str, int]) -> None:
    assert ClockSettings(servers=(name,)).servers == (name,)
    assert time_server(name) == address


@pytest.mark.parametrize("servers", [("a", "a"), ("a:99999",), ("a b",), ("",), ("http://a",), tuple("abcdefghi")])
def test_what_names_no_server_is_refused(servers: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError):
        ClockSettings(servers=servers)
