"""TLS of SIP, version 1.2 and later: the certificate that we show, and those that we believe (RFC 3261, 26.3)."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from gateway.errors import BadCertificate


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
