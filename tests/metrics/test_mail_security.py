"""Reports by e-mail to a server of its own kind (aiosmtpd): STARTTLS, log-in, a certificate that nobody trusts."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from pydantic import SecretStr
from structlog.testing import capture_logs

from ccplatform.storage.database import Database
from gateway.sip.tls import TlsFiles
from metrics.scheduling.service import ALARM
from metrics.scheduling.settings import MailSettings
from tests.gateway.sip.certificates import self_signed
from tests.metrics.test_scheduling import Office, schedule
from tests.support.database import database, postgres_dsn  # noqa: F401

USER, SECRET = "reports@example.org", "geheim-Xy7"


@dataclass(slots=True)
class PostOffice:
    """What the server took and was told."""

    taken: list[EmailMessage] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)  # of each e-mail
    logins: list[tuple[str, str, bool]] = field(default_factory=list)  # who, password, whether under TLS

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.taken.append(message)
        self.encrypted.append(session.ssl is not None)
        return "250 taken"

    def log_in(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        user, password = data.login.decode(), data.password.decode()
        self.logins.append((user, password, session.ssl is not None))
        return AuthResult(success=(user, password) == (USER, SECRET), handled=False)


@asynccontextmanager
async def serving(post: PostOffice, files: TlsFiles | None) -> AsyncIterator[MailSettings]:
    """A server that takes nothing before STARTTLS and a log-in; without a certificate one that has neither."""
    secure: dict[str, Any] = {}
    if files is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files.certificate, files.key)
        secure = {"tls_context": context, "require_starttls": True, "auth_required": True}

    def protocol() -> SMTP:
        return SMTP(post, authenticator=post.log_in, loop=asyncio.get_running_loop(), **secure)

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    async with server:
        yield MailSettings(
            host="127.0.0.1",
            port=server.sockets[0].getsockname()[1],
            security="starttls",
            user=USER,
            password=SecretStr(SECRET),
            domains=("example.org",),
            sender="cc@example.org",
        )


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TlsFiles:
    """The certificate of a server that this machine trusts, by the variable that OpenSSL reads."""
    made = self_signed(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", made.certificate)
    return made


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    with capture_logs() as lines:
        yield lines


async def sent(office: Office) -> tuple[bool | None, str]:
    """Whether the due report went out, and what is said of it."""
    await office.keep(schedule(mail_to=("a@example.org",)))
    done = await office.looked()
    return done.last_ok, done.last_result


async def test_it_goes_out_under_starttls_after_a_log_in(
    database: Database,  # noqa: F811
    tmp_path: Path,
    trusted: TlsFiles,
    logged: list[Any],
) -> None:
    post = PostOffice()
    async with serving(post, trusted) as settings:
        office = Office(database, tmp_path, settings)
        assert await sent(office) == (True, "a@example.org")
    assert (post.logins, post.encrypted) == ([(USER, SECRET, True)], [True])
    (message,) = post.taken
    (file,) = message.iter_attachments()
    assert (message["To"], file.get_filename()) == ("a@example.org", "Day 2026-01-04.csv")
    assert office.alarms.up == set()
    assert SECRET not in str(logged)


async def test_a_certificate_that_nobody_trusts_is_an_alarm_and_hears_no_password(
    database: Database,  # noqa: F811
    tmp_path: Path,
    logged: list[Any],
) -> None:
    post = PostOffice()
    async with serving(post, self_signed(tmp_path, "127.0.0.1")) as settings:
        office = Office(database, tmp_path, settings)
        ok, said = await sent(office)
    assert ok is False
    assert said.startswith("127.0.0.1: the certificate is not trusted: self-signed certificate")
    assert (post.logins, post.taken, office.alarms.up) == ([], [], {ALARM})
    assert SECRET not in str(logged) + said


async def test_a_certificate_of_another_host_is_refused(
    database: Database,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    post, other = PostOffice(), self_signed(tmp_path, "127.0.0.2")
    monkeypatch.setenv("SSL_CERT_FILE", other.certificate)
    async with serving(post, other) as settings:
        ok, said = await sent(Office(database, tmp_path, settings))
    assert ok is False
    assert "the certificate is not trusted: IP address mismatch" in said
    assert (post.logins, post.taken) == ([], [])


async def test_a_server_without_starttls_gets_nothing_in_the_clear(
    database: Database,  # noqa: F811
    tmp_path: Path,
    logged: list[Any],
) -> None:
    post = PostOffice()
    async with serving(post, None) as settings:
        office = Office(database, tmp_path, settings)
        ok, said = await sent(office)
        assert (ok, said) == (False, "127.0.0.1: STARTTLS extension not supported by server.")
        assert (post.logins, post.taken, office.alarms.up) == ([], [], {ALARM})
        assert SECRET not in str(logged) + said
        plain = Office(database, tmp_path, settings.model_copy(update={"security": "none", "user": ""}))
        plain.clock.advance(601)
        assert await sent(plain) == (True, "a@example.org")
    assert post.encrypted == [False]


async def test_a_wrong_password_is_said_and_not_shown(
    database: Database,  # noqa: F811
    tmp_path: Path,
    trusted: TlsFiles,
    logged: list[Any],
) -> None:
    post = PostOffice()
    async with serving(post, trusted) as settings:
        wrong = settings.model_copy(update={"password": SecretStr("falsch-Zq9")})
        office = Office(database, tmp_path, wrong)
        ok, said = await sent(office)
    assert (ok, post.taken, office.alarms.up) == (False, [], {ALARM})
    assert said.startswith("127.0.0.1: 535 ")
    assert "falsch-Zq9" not in str(logged) + said
