from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from ccplatform.contracts.words import AgentId, Role
from ccplatform.kernel.errors import NotFound, Refusal
from ccplatform.security.errors import NotAllowed, NotAuthenticated, PasswordRefused, Throttled
from ccplatform.storage.database import Database
from ccplatform.storage.errors import DatabaseUnavailable
from tests.security.desk import PASSWORD, Desk, open_desk
from tests.support.database import database, postgres_dsn  # noqa: F401


@pytest.fixture
async def desk(database: Database) -> Desk:  # noqa: F811
    made = open_desk(database)
    await made.add("1004", Role.AGENT, agent="1004", pin="1004")
    return made


async def test_a_log_in_gives_a_token_that_names_its_principal(desk: Desk) -> None:
    issued = await desk.login.log_in("1004", PASSWORD, "192.0.2.7")
    principal = await desk.access.authenticate(issued.token)
    assert (principal.user, principal.roles, principal.agent) == ("1004", frozenset({Role.AGENT}), "1004")
    assert issued.expires_in == 8 * 3600


async def test_only_the_hash_of_a_token_is_stored(desk: Desk) -> None:
    issued = await desk.login.log_in("1004", PASSWORD, "192.0.2.7")
    async with desk.database.connection() as connection:
        row = await connection.fetchval("SELECT tokens::text FROM tokens")
    assert issued.token.removeprefix("cct_") not in row


async def test_wrong_password_and_unknown_user_cannot_be_told_apart_and_both_are_audited(desk: Desk) -> None:
    messages = set()
    for name in ("1004", "nobody", "nul\x00", "very long " * 30):
        with pytest.raises(NotAuthenticated) as caught:
            await desk.login.log_in(name, "wrong password", "192.0.2.7")
        messages.add(str(caught.value))
    assert len(messages) == 1
    audited = await desk.audited()
    assert ("1004", "auth.login", "wrong_password") in audited
    assert ("nobody", "auth.login", "unknown_user") in audited
    assert ("nul\ufffd", "auth.login", "unknown_user") in audited
    assert "wrong password" not in str(await desk.audit.page())


async def test_guessing_is_slowed_down_even_for_the_right_password_and_many_at_once(desk: Desk) -> None:
    attempts = [desk.login.log_in("1004", f"guess {n}", "192.0.2.7") for n in range(12)]
    results = await asyncio.gather(*attempts, return_exceptions=True)
    assert sum(isinstance(result, NotAuthenticated) for result in results) == 5
    assert sum(isinstance(result, Throttled) for result in results) == 7
    with pytest.raises(Throttled) as caught:
        await desk.login.log_in("1004", PASSWORD, "192.0.2.8")
    assert caught.value.retry_after == pytest.approx(5.0)
    desk.clock.advance(5.1)
    await desk.login.log_in("1004", PASSWORD, "192.0.2.8")


async def test_an_address_that_tries_many_names_has_to_wait(desk: Desk) -> None:
    for number in range(20):
        with pytest.raises(NotAuthenticated):
            await desk.login.log_in(f"user{number}", "wrong password", "192.0.2.66")
    with pytest.raises(Throttled):
        await desk.login.log_in("1004", PASSWORD, "192.0.2.66")
    await desk.login.log_in("1004", PASSWORD, "192.0.2.7")


async def test_a_token_ends_with_log_out_and_with_its_time(desk: Desk) -> None:
    first = (await desk.login.log_in("1004", PASSWORD, "192.0.2.7")).token
    principal = await desk.access.authenticate(first)
    await desk.login.log_out(principal, first)
    with pytest.raises(NotAuthenticated):
        await desk.access.authenticate(first)
    second = (await desk.login.log_in("1004", PASSWORD, "192.0.2.7")).token
    desk.clock.advance(timedelta(hours=8).total_seconds())
    with pytest.raises(NotAuthenticated, match="expired"):
        await desk.access.authenticate(second)


@pytest.mark.parametrize("token", ["", "cct_", "cct_" + "A" * 43, "x" * 100_000, "cct_" + "\x00" * 43])
async def test_a_made_up_token_is_refused(desk: Desk, token: str) -> None:
    with pytest.raises(NotAuthenticated):
        await desk.access.authenticate(token)


async def test_an_absent_database_logs_nobody_out_and_lets_nobody_new_in(desk: Desk) -> None:
    seen = (await desk.login.log_in("1004", PASSWORD, "192.0.2.7")).token
    fresh = (await desk.login.log_in("1004", PASSWORD, "192.0.2.7")).token
    await desk.access.authenticate(seen)
    desk.database.__class__ = Absent
    desk.clock.advance(3600)
    assert (await desk.access.authenticate(seen)).user == "1004"
    with pytest.raises(DatabaseUnavailable):
        await desk.access.authenticate(fresh)
    desk.clock.advance(8 * 3600)
    with pytest.raises(NotAuthenticated):
        await desk.access.authenticate(seen)


class Absent(Database):
    """A database that is away."""

    def connection(self) -> None:  # type: ignore[override]
        raise DatabaseUnavailable("away")


async def test_locking_a_user_ends_his_log_ins_and_keeps_him_out(desk: Desk) -> None:
    token = (await desk.login.log_in("1004", PASSWORD, "192.0.2.7")).token
    await desk.administration.lock("1004", by="admin")
    with pytest.raises(NotAuthenticated):
        await desk.access.authenticate(token)
    with pytest.raises(NotAuthenticated):
        await desk.login.log_in("1004", PASSWORD, "192.0.2.7")
    await desk.administration.lock("1004", by="admin", locked=False)
    await desk.login.log_in("1004", PASSWORD, "192.0.2.7")
    audited = await desk.audited()
    assert ("admin", "user.lock", "ok") in audited
    assert ("1004", "auth.login", "locked") in audited


async def test_a_password_that_was_given_has_to_be_changed_first(desk: Desk) -> None:
    await desk.administration.set_password("1004", "given by somebody", by="admin", must_change=True)
    token = (await desk.login.log_in("1004", "given by somebody", "192.0.2.7")).token
    with pytest.raises(NotAllowed) as caught:
        await desk.access.authenticate(token)
    assert caught.value.code == "password_change_required"
    session = await desk.tokens.session(token)
    with pytest.raises(PasswordRefused):
        await desk.login.change_password(session.principal, "given by somebody", "short", "192.0.2.7")
    await desk.login.change_password(session.principal, "given by somebody", "chosen by myself", "192.0.2.7")
    with pytest.raises(NotAuthenticated):
        await desk.access.authenticate(token)
    await desk.access.authenticate((await desk.login.log_in("1004", "chosen by myself", "192.0.2.7")).token)


async def test_users_that_cannot_be_are_refused_with_the_reason(desk: Desk) -> None:
    add = desk.administration.add
    with pytest.raises(Refusal, match="user 1004 exists"):
        await add("1004", PASSWORD, roles=[Role.AGENT], by="test")
    with pytest.raises(Refusal, match="agent 1004 exists"):
        await add("zhang", PASSWORD, roles=[Role.AGENT], by="test", agent=AgentId("1004"))
    with pytest.raises(Refusal, match="user name"):
        await add("two words", PASSWORD, roles=[Role.AGENT], by="test")
    with pytest.raises(Refusal, match="at least one role"):
        await add("zhang", PASSWORD, roles=[], by="test")
    with pytest.raises(Refusal, match="4 to 12 digits"):
        await add("zhang", PASSWORD, roles=[Role.AGENT], by="test", pin="12a4")
    with pytest.raises(PasswordRefused):
        await add("zhang", "short", roles=[Role.AGENT], by="test")
    with pytest.raises(NotFound, match="no user zhang"):
        await desk.administration.lock("zhang", by="test")
    assert not await desk.administration.ensure("1004", "other password", roles=[Role.ADMIN], by="test")
    assert [user.name for user in await desk.users.list_users()] == ["1004"]


async def test_a_pin_signs_in_its_agent_only_and_guessing_is_slowed_down(desk: Desk) -> None:
    await desk.add("1005", Role.AGENT, agent="1005", pin="5555")
    await desk.add("1006", Role.AGENT, agent="1006")
    matches = desk.pins.pin_matches
    assert await matches(AgentId("1004"), "1004")
    assert not await matches(AgentId("1004"), "5555")
    assert not await matches(AgentId("1006"), "1006")
    assert not await matches(AgentId("9999"), "1004")
    for _ in range(4):
        assert not await matches(AgentId("1004"), "0000")
    assert not await matches(AgentId("1004"), "1004")
    assert await matches(AgentId("1005"), "5555")
    desk.clock.advance(5.1)
    assert await matches(AgentId("1004"), "1004")


async def test_what_cannot_be_looked_up_is_no_wrong_guess(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(_: str) -> None:
        raise DatabaseUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(desk.users, "find", away)
        patch.setattr(desk.users, "find_agent", away)
        for _ in range(10):
            with pytest.raises(DatabaseUnavailable):
                await desk.login.log_in("1004", PASSWORD, "192.0.2.7")
            with pytest.raises(DatabaseUnavailable):
                await desk.pins.pin_matches(AgentId("1004"), "1004")
    assert (await desk.login.log_in("1004", PASSWORD, "192.0.2.7")).token
    assert await desk.pins.pin_matches(AgentId("1004"), "1004")
