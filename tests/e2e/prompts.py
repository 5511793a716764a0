"""What a flow says, as sound: each part of its prompts spoken by the platform's preview, to be found in a call."""

from __future__ import annotations

import asyncio
import io
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile
import soxr

from ivr.document import read_flow
from ivr.model import Flow
from ivr.numbers import Language
from tests.e2e.centre import Centre
from tests.support import audio
from tests.support.g711 import RATE, Samples
from tests.support.milestone import PATIENCE, PeerError
from tests.support.phone_call import PhoneCall

#: From here on words are those that are looked for (0-1); other sentences of the same voice stay below ``OTHER``.
#: One packet that came too late takes 0.04 from the shortest sound, a number of a quarter of a second.
SAME: Final = 0.9
OTHER: Final = 0.85
_LOOK_AGAIN: Final = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Spoken:
    """One part of a prompt and its sound."""

    name: str
    samples: Samples

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / RATE


class PromptBook:
    """The prompts of shipped flows in both languages; each part is spoken once."""

    def __init__(self, centre: Centre, *flows: str) -> None:
        self._centre = centre
        self._flows: dict[str, Flow] = {name: read_flow(Path(f"config/flows/{name}.yaml")) for name in flows}
        self._kept: dict[str, Spoken] = {}

    def nodes(self) -> dict[tuple[str, str], str]:
        """All nodes (flow, node) and their kinds."""
        return {(flow, name): node.kind for flow, read in self._flows.items() for name, node in read.nodes.items()}

    async def parts(self, place: str, language: Language, variables: dict[str, str]) -> list[Spoken]:
        """The parts of a prompt: ``flow/node/field``, and for lists ``flow/node/field/number``."""
        flow, node, *fields = place.split("/")
        found: Any = self._flows[flow].nodes[node]
        for field in fields or ["prompt"]:
            found = found[int(field)] if field.isdigit() else getattr(found, field)
        prompt = getattr(found, "prompt", found)[language]
        return [
            await self._spoken(place, part.model_dump(exclude_unset=True), language, variables) for part in prompt
        ]

    async def every_text(self) -> list[Spoken]:
        """All prompts without variables, in both languages."""
        languages: tuple[Language, ...] = ("zh", "en")
        places = [
            (f"{flow}/{name}/{field}", prompt)
            for flow, read in self._flows.items()
            for name, node in read.nodes.items()
            for field in ("prompt", "hint", "hint_silent")
            if (prompt := getattr(node, field, None))
        ]
        return [
            part
            for place, prompt in places
            for language in languages
            if all(part.variable is None for part in prompt[language])
            for part in await self.parts(place, language, {})
        ]

    async def _spoken(
        self, place: str, part: dict[str, str], language: Language, variables: dict[str, str]
    ) -> Spoken:
        (reading, value) = next(iter(part.items()))
        said = value if reading == "text" else variables[value]
        name = f"{place} {language} {reading} {said}"
        if name not in self._kept:
            asked = {"language": language, "prompt": [part], "variables": variables}
            answer = await self._centre.ask("POST", "flows/preview", json=asked)
            assert answer.status_code == 200, f"{name}: {answer.text}"
            sound, rate = soundfile.read(io.BytesIO(answer.content), dtype="float64")
            samples = np.rint(soxr.resample(sound, rate, RATE) * 32767).astype(np.int16)
            begin, end = (round(at * RATE) for at in audio.audible_spans(samples, bridge=9.0)[0])
            self._kept[name] = Spoken(name, samples[begin:end])
        return self._kept[name]


class Heard:
    """A caller who follows what he is told, in its order; ``scores`` are the correlations that were found."""

    def __init__(self, call: PhoneCall, book: PromptBook, language: Language) -> None:
        self.call = call
        self.language = language
        self.since = time.monotonic()
        self.scores: dict[str, float] = {}
        self._book = book

    async def press(self, keys: str) -> None:
        """Press keys: what is heard before them counts no more."""
        self.since = await self.call.press(keys, seconds=0.06, gap=0.06)

    async def hears(self, place: str, *, both: bool = False, **variables: str) -> None:
        """Wait for every part of a prompt, one after the other, in his language, or in ``both``."""
        languages: list[Language] = ["zh", "en"] if both else [self.language]
        for language in languages:
            for part in await self._book.parts(place, language, variables):
                await self.hears_sound(part)

    async def hears_sound(self, part: Spoken, *, limit: float = PATIENCE + 20) -> None:
        """Wait for this sound, after what he heard last."""
        give_up = time.monotonic() + limit
        best = 0.0
        await asyncio.sleep(max(0.0, self.since + part.seconds - time.monotonic()))
        while time.monotonic() < give_up:
            found, ends = await asyncio.to_thread(self._look, part)
            best = max(best, found)
            if found >= SAME:
                self.since = ends
                self.scores[part.name] = found
                return
            await asyncio.sleep(_LOOK_AGAIN)
        told = self.call.ear.describe(self.since)
        raise PeerError(f"{part.name!r} not heard, {best:.2f} at best; {told}; {self.call.story()}")

    async def nothing_like(self, place: str, language: Language) -> None:
        """What he heard so far has none of the parts of this prompt."""
        for part in await self._book.parts(place, language, {}):
            found, _ = await asyncio.to_thread(self._look, part, whole=True)
            assert found < OTHER, f"{part.name!r} was heard ({found:.2f})"

    def _look(self, part: Spoken, *, whole: bool = False) -> tuple[float, float]:
        recording = self.call.recording()
        begin = 0 if whole else max(0, round((self.since - recording.begins_at - 0.1) * RATE))
        heard = recording.samples[begin:]
        if len(heard) < len(part.samples):
            return 0.0, self.since
        found = audio.find_spoken(part.samples, heard)
        ends = recording.begins_at + (begin + found.lag_samples + len(part.samples)) / RATE
        return found.correlation, ends
