"""The alarms of a platform in memory."""

from __future__ import annotations

from ccplatform.contracts.words import Severity


class Alarms:
    """Which are up, by kind and subject, and the kinds that were ever raised."""

    def __init__(self) -> None:
        self.up: dict[tuple[str, str], tuple[Severity, str]] = {}
        self.raised: list[str] = []

    def raise_alarm(self, kind: str, subject: str, severity: Severity, text: str) -> None:
        self.up[kind, subject] = (severity, text)
        self.raised.append(kind)

    def clear_alarm(self, kind: str, subject: str) -> None:
        self.up.pop((kind, subject), None)
