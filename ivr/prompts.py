"""From a prompt and the session's variables to what is played: pieces that a speech engine or a file gives.

Words that never change are pieces of their own, so that they come from the cache and only the caller's own
values are spoken afresh.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from ccplatform.contracts.media import CallToneItem, PlayItem, SilenceItem, ToneItem
from ccplatform.contracts.words import RecordingId
from ivr.errors import UnspeakableValue
from ivr.model import QUEUE_VARIABLES, Flow, NodeName, PlaySounds, prompts_of
from ivr.numbers import READERS, Language, without_latin_digits
from ivr.prompt_model import Part, Prompt

#: Longest value of a variable that is spoken as it stands, characters.
LONGEST_VALUE = 200

#: What is in the recordings of a flow: name → language → content.
Recordings: TypeAlias = Mapping[str, Mapping[Language, str]]
NONE: Final[Recordings] = {}

#: Pause between the same prompt in two languages, seconds.
BETWEEN_LANGUAGES = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """A text to be spoken. ``personal``: it tells something of the caller and must not be kept."""

    language: Language
    text: str
    personal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundFile:
    """A file of the directory of sounds."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedPrompt:
    """A recording of a flow, by its content."""

    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceSpeech:
    """The reference speech of voice-quality tests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """Tones and silence, as the media engine makes them."""

    item: PlayItem


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedMessage:
    """A message that somebody left."""

    recording: RecordingId


Piece: TypeAlias = Utterance | RecordedPrompt | SoundFile | ReferenceSpeech | RecordedMessage | Sound


class Composer:
    """A prompt made ready to be said often: its words are pieces once and for all, for each way it is spoken.

    ``recordings`` are the flow's own.
    """

    __slots__ = ("_made", "_prompt", "_recordings")

    def __init__(self, prompt: Prompt, recordings: Recordings = NONE) -> None:
        self._prompt = prompt
        self._recordings = recordings
        self._made: dict[tuple[Language, ...], tuple[Piece, ...] | list[Piece | _Value]] = {}

    def pieces(self, languages: tuple[Language, ...], variables: Mapping[str, str]) -> tuple[Piece, ...]:
        """The pieces in each of ``languages``; raises :class:`UnspeakableValue` naming the variable."""
        made = self._made.get(languages)
        if made is None:
            made = self._made[languages] = self._make(languages)
        if isinstance(made, tuple):
            return made
        return tuple([part.read(variables) if isinstance(part, _Value) else part for part in made])

    def _make(self, languages: tuple[Language, ...]) -> tuple[Piece, ...] | list[Piece | _Value]:
        """A tuple where nothing depends on the caller."""
        made: list[Piece | _Value] = []
        for language in languages:
            if made:
                made.append(Sound(item=SilenceItem(seconds=BETWEEN_LANGUAGES)))
            made.extend(_part(part, language, self._recordings) for part in self._prompt[language])
        fixed = tuple(part for part in made if not isinstance(part, _Value))
        return fixed if len(fixed) == len(made) else made


@dataclass(frozen=True, slots=True)
class _Value:
    """A variable that is read to the caller."""

    name: str
    language: Language
    reader: Callable[[str, Language], str]
    personal: bool

    def read(self, variables: Mapping[str, str]) -> Utterance:
        value = variables.get(self.name, "")
        if not value or len(value) > LONGEST_VALUE:
            raise UnspeakableValue(f"the variable {self.name!r} is empty or too long to be spoken")
        try:
            text = self.reader(value, self.language)
        except UnspeakableValue as error:
            raise UnspeakableValue(f"the variable {self.name!r}: {error}") from error
        return Utterance(language=self.language, text=text, personal=self.personal)


def sounds_of(node: PlaySounds, message: RecordingId | None = None) -> tuple[Piece, ...]:
    """The pieces of a play node; ``message`` is the last one. Raises :class:`UnspeakableValue` without."""
    pieces: list[Piece] = []
    for item in node.sounds:
        if item.file is not None:
            pieces.append(SoundFile(name=item.file))
        elif item.tone is not None:
            tone = item.tone
            pieces.append(Sound(item=ToneItem(hertz=tone.hertz, seconds=tone.seconds, level_dbm0=tone.level_dbm0)))
        elif item.call_tone is not None:
            call = item.call_tone
            tone_item = CallToneItem(tone=call.tone, country=call.country, seconds=call.seconds or 0.0)
            pieces.append(Sound(item=tone_item))
        elif item.silence is not None:
            pieces.append(Sound(item=SilenceItem(seconds=item.silence)))
        elif item.message is not None:
            if message is None:
                raise UnspeakableValue("there is no message to be played")
            pieces.append(RecordedMessage(recording=message))
        else:
            pieces.append(ReferenceSpeech())
    return tuple(pieces)


def static_utterances(flow: Flow) -> Iterator[Utterance]:
    """Every text of a flow that never changes; what callers hear first comes first."""
    for name in _by_distance(flow):
        for _, prompt in prompts_of(flow.nodes[name]):
            for language in flow.languages:
                for part in prompt[language]:
                    if part.text is not None:
                        yield _words(part.text, language)


def _by_distance(flow: Flow) -> Iterator[NodeName]:
    seen: set[str] = set()
    waiting = deque([flow.start, *([flow.on_error] if flow.on_error else [])])
    while waiting:
        name = waiting.popleft()
        if name not in seen:
            seen.add(name)
            yield name
            waiting.extend(target for _, target in flow.ways_of(flow.nodes[name]))


def _part(part: Part, language: Language, recordings: Recordings) -> Utterance | RecordedPrompt | _Value:
    if part.text is not None:
        return _words(part.text, language)
    if part.recording is not None:
        content = recordings.get(part.recording, {}).get(language)
        if content is None:
            raise UnspeakableValue(f"there is no recording {part.recording!r} in {language}")
        return RecordedPrompt(sha256=content)
    name = part.variable or ""
    reader = _written if part.reading == "spoken" else READERS[part.reading]
    return _Value(name=name, language=language, reader=reader, personal=name not in QUEUE_VARIABLES)


def _words(text: str, language: Language) -> Utterance:
    return Utterance(language=language, text=_written(text, language))


def _written(text: str, language: Language) -> str:
    return without_latin_digits(text) if language == "zh" else text
