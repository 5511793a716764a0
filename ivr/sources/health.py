"""How data sources are: an alarm for one that is gone, and one for one that is slow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ccplatform.contracts.ports import Alarms
from ccplatform.contracts.words import Severity

#: Alarm kinds; the subject is the source.
GONE, SLOW = "data_source_gone", "data_source_slow"

#: So many bad answers one after the other are an alarm; one good one ends it.
IN_A_ROW: Final = 3


@dataclass(slots=True)
class _State:
    failures: int = 0
    slow: int = 0


class SourceHealth:
    """Counts answers of every source. ``slow_seconds`` says from when on an answer of a source is slow."""

    def __init__(self, *, alarms: Alarms, slow_seconds: Mapping[str, float]) -> None:
        self._alarms = alarms
        self._slow_seconds = dict(slow_seconds)
        self._states = {source: _State() for source in slow_seconds}

    def serving(self) -> dict[str, bool]:
        """Whether each source gives answers."""
        return {source: state.failures < IN_A_ROW for source, state in self._states.items()}

    def answered(self, source: str, seconds: float) -> None:
        """It answered, with a row or with none."""
        state = self._states.get(source)
        if state is None:
            return
        self._there(source, state)
        limit = self._slow_seconds[source]
        if seconds <= limit:
            state.slow = 0
            self._alarms.clear_alarm(SLOW, source)
            return
        state.slow += 1
        if state.slow == IN_A_ROW:
            text = f"data source {source}: {IN_A_ROW} answers in a row took longer than {limit:g} s"
            self._alarms.raise_alarm(SLOW, source, Severity.NON_URGENT, text)

    def failed(self, source: str, reason: str) -> None:
        """It gave no answer."""
        state = self._states.get(source)
        if state is None:
            return
        state.failures += 1
        if state.failures == IN_A_ROW:
            self._gone(source, reason)

    def connected(self, source: str, there: bool) -> None:
        """Its server was found, or was lost, with or without callers."""
        state = self._states.get(source)
        if state is None:
            return
        if there:
            self._there(source, state)
        else:
            state.failures = IN_A_ROW
            self._gone(source, "it cannot be reached")

    def _there(self, source: str, state: _State) -> None:
        state.failures = 0
        self._alarms.clear_alarm(GONE, source)

    def _gone(self, source: str, reason: str) -> None:
        text = f"data source {source} gives no answers: {reason}; callers take the failure path"
        self._alarms.raise_alarm(GONE, source, Severity.URGENT, text)
