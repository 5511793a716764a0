"""Where finished reports go: into a folder, where nothing is overwritten, or out by e-mail. These calls block."""

from __future__ import annotations

import os
import secrets
import smtplib
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from itertools import count
from pathlib import Path

from ccplatform.kernel.errors import PlatformError, Refusal
from metrics.scheduling.settings import MailSettings

#: More files of one name are no accident any more.
_MOST_ALIKE = 1000


class NotDelivered(PlatformError):
    """A report did not reach its place; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A report that is made: its name without the ending, what an e-mail says of it, and the file."""

    name: str
    ending: str
    media: str
    text: str
    data: bytes
    reference: str  # the same for the same report, whatever is tried again


def put(folder: Path, report: Finished) -> Path:
    """Write it, all or nothing, beside what is there; raises NotDelivered."""
    fresh = folder / f".{secrets.token_hex(8)}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with fresh.open("xb") as file:
                file.write(report.data)
                file.flush()
                os.fsync(file.fileno())
            return _linked(fresh, folder, report)
        finally:
            fresh.unlink(missing_ok=True)
    except OSError as error:
        raise NotDelivered(f"{folder}: {error.strerror or error}") from error


def _linked(fresh: Path, folder: Path, report: Finished) -> Path:
    for number in count(1):
        name = report.name if number == 1 else f"{report.name} ({number})"
        target = folder / f"{name}.{report.ending}"
        with suppress(FileExistsError):
            os.link(fresh, target)
            return target
        if number >= _MOST_ALIKE:
            break
    raise NotDelivered(f"{folder} holds {_MOST_ALIKE} files named {report.name} already")


def mail(settings: MailSettings, recipients: Sequence[str], report: Finished) -> None:
    """Send it to all; raises NotDelivered when nobody has it, and Refusal when some do not, since
    the others are not to get it again."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = settings.sender, ", ".join(recipients), report.name
    message["Message-ID"] = f"<{report.reference}@{settings.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's vacation notice is wanted
    message.set_content(report.text)
    main, sub = report.media.split(";")[0].split("/")
    message.add_attachment(
        report.data,
        maintype=main,
        subtype=sub,
        filename=f"{report.name}.{report.ending}",
        params={"charset": "utf-8"} if main == "text" else None,
    )
    try:
        with _connected(settings) as server:
            if settings.user:
                server.login(settings.user, settings.password.get_secret_value())
            refused = server.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        raise NotDelivered(f"{settings.host}: {_said(error)}") from error
    if refused:
        raise Refusal(f"{settings.host} refused {', '.join(sorted(refused))}; the others have it")


def _connected(settings: MailSettings) -> smtplib.SMTP:
    where = (settings.host, settings.port)
    context = ssl.create_default_context()
    if settings.security == "tls":
        return smtplib.SMTP_SSL(*where, timeout=settings.timeout_seconds, context=context)
    server = smtplib.SMTP(*where, timeout=settings.timeout_seconds)
    if settings.security == "starttls":
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
    return server


def _said(error: Exception) -> str:
    match error:
        case smtplib.SMTPRecipientsRefused(recipients=recipients):
            return f"refused {', '.join(sorted(recipients))}"
        case smtplib.SMTPResponseException(smtp_code=code, smtp_error=text):
            return f"{code} {text.decode(errors='replace') if isinstance(text, bytes) else text}"[:300]
        case ssl.SSLCertVerificationError(verify_message=text):
            return f"the certificate is not trusted: {text}"
        case OSError(strerror=str(text)):
            return text
        case _:
            return str(error)[:300] or type(error).__name__
