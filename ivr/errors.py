"""Errors of the IVR.

::

    Refusal
    ├── UnreadableDocument a text that is no document, or goes past the bounds of one
    ├── FlowError          a flow document that may not be published: every problem with file, path and reason
    ├── BadRecording       a file that is no recording of a prompt, or goes past the bounds of one
    ├── TooLong            a simulated session goes past its bounds
    └── NotFound
        └── NoSuchFlow     no flow, version or recording of that name
    RemoteViolation
    ├── UnspeakableValue   a variable does not hold what a prompt wants to say (no number, no date)
    └── ExpressionFailed   an expression cannot be computed from what the variables hold
    Unavailable
    ├── SpeechUnavailable  the speech engine crashed, hangs or is being restarted
    │   └── VoiceLoads     its model is being loaded
    ├── SpeechUnheard      no recogniser for the language, or it is away, busy or too slow
    ├── SoundUnavailable   a flow plays a file, and no directory of sounds is configured
    └── QueryFailed        a data source is away, too slow, or its query is wrong
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ccplatform.kernel.errors import NotFound, Refusal, RemoteViolation, Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowProblem:
    """One thing wrong with a flow document: where (``nodes.menu.choices.1``) and why."""

    file: str
    path: str
    reason: str

    def __str__(self) -> str:
        where = f"{self.file}: {self.path}" if self.path else self.file
        return f"{where}: {self.reason}"


#: Most problems that are named in one answer.
MOST_PROBLEMS = 100


class UnreadableDocument(Refusal):
    """A text cannot be read as a document; the message says where and why."""

    def __init__(self, text: str) -> None:
        super().__init__(text, code="unreadable_document", where="document")


class FlowError(Refusal):
    """A flow document is wrong; ``problems`` names what was found, the first :data:`MOST_PROBLEMS` of it."""

    def __init__(self, problems: Sequence[FlowProblem]) -> None:
        self.problems = tuple(problems[:MOST_PROBLEMS])
        super().__init__("\n".join(str(problem) for problem in self.problems), code="flow_invalid")

    @property
    def errors(self) -> list[tuple[str, str]]:
        """Where and why, for answers."""
        return [(problem.path, problem.reason) for problem in self.problems]


class BadRecording(Refusal):
    """What was uploaded cannot be a prompt; the message says why."""

    def __init__(self, text: str) -> None:
        super().__init__(text, code="bad_recording")


class TooLong(Refusal):
    """A simulated session goes past its bounds; the message says which."""

    def __init__(self, text: str) -> None:
        super().__init__(text, code="too_long")


class NoSuchFlow(NotFound):
    """There is no such flow, version or recording."""


class UnspeakableValue(RemoteViolation):
    """A value cannot be read aloud in the way that the prompt asks for."""


class ExpressionFailed(RemoteViolation):
    """An expression cannot be computed: a text is no number, a division is by zero, a value too great."""


class SpeechUnavailable(Unavailable):
    """No speech now; the caller of the port takes his failure path."""


class VoiceLoads(SpeechUnavailable):
    """A voice is not ready yet: nothing is wrong, another one speaks meanwhile."""


class SpeechUnheard(Unavailable):
    """What callers say is not heard now; a flow asks for keys instead."""


class SoundUnavailable(Unavailable):
    """The file that a flow wants to play cannot be found."""


class QueryFailed(Unavailable):
    """A data query gave no answer; ``str`` is for logs and never holds parameters."""
