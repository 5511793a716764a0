"""TLS of SIP, version 1.2 and later: the certificate that we show, and those that we believe (RFC 3261, 26.3)."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from typing import TypeAlias

import structlog

from gateway.errors import BadCertificate

_Stamp: TypeAlias = tuple[tuple[int, int, int], ...]

_log = structlog.get_logger("sip")


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """PEM files: our certificate chain, its key, and the authorities that sign our peers (empty: the system's)."""

    certificate: str
    key: str
    authorities: str = ""

    def for_servers(self) -> ssl.SSLContext:
        """For connections that come in; raises :class:`BadCertificate`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            raise BadCertificate(f"{self.certificate} with {self.key}: {error}") from error
        return context

    def for_clients(self) -> ssl.SSLContext:
        """For connections that we make: the peer's certificate must be signed and name whom we call."""
        try:
            context = ssl.create_default_context(cafile=self.authorities or None)
            context.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            raise BadCertificate(f"{self.authorities or self.certificate}: {error}") from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context


class TlsContexts:
    """What TLS is spoken with at present. Files that change are taken without a restart; connections that are
    made already keep what they have. Raises :class:`BadCertificate`, at the beginning only."""

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._stamp = self._read_stamp()
        self.server, self.client = files.for_servers(), files.for_clients()

    def refresh(self) -> bool:
        """Take the files if they changed; True when they were taken. Unusable ones are logged and left until they
        change again: what was there before goes on."""
        stamp = self._read_stamp()
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            server, client = self._files.for_servers(), self._files.for_clients()
        except BadCertificate as error:
            _log.error("changed TLS files cannot be used", error=str(error))
            return False
        self.server, self.client = server, client
        _log.info("changed TLS files taken", certificate=self._files.certificate)
        return True

    def _read_stamp(self) -> _Stamp:
        files = self._files
        return tuple(_stamp_of(path) for path in (files.certificate, files.key, files.authorities) if path)


def _stamp_of(path: str) -> tuple[int, int, int]:
    try:
        found = os.stat(path)
    except OSError:
        return 0, 0, 0
    return found.st_mtime_ns, found.st_size, found.st_ino
