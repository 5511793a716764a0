"""Settings of the IVR."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EspeakSettings(_Model):
    """The bundled engine (espeak-ng), which runs in a process of its own."""

    rate_zh: int = Field(160, ge=80, le=400, description="speaking rate in Mandarin, words a minute")
    rate_en: int = Field(155, ge=80, le=400, description="speaking rate in English, words a minute")
    volume: int = Field(100, ge=10, le=200, description="the engine's own volume; levels are normalised after it")
    pitch: int = Field(45, ge=0, le=99, description="base pitch, 50 is the engine's own")
    timeout_seconds: float = Field(5.0, gt=0, le=60, description="an utterance that takes longer kills the engine")
    restart_seconds: tuple[float, float] = Field(
        (0.5, 30.0), description="first and longest pause before a restart"
    )


_Url = Annotated[str, Field(pattern=r"^(https?://[^\s/]+(/\S*)?)?$", max_length=500)]


class HttpSpeechSettings(_Model):
    """A speech server: it gets ``POST {"text": …}`` and answers with a WAV, as Piper's own server does."""

    url_zh: _Url = Field("", description="where Mandarin is spoken; texts go there, and nowhere else. '': bundled")
    url_en: _Url = Field("", description="where English is spoken. '': by the bundled engine")
    first_sound_seconds: float = Field(1.5, gt=0, le=10, description="a server that is silent for longer is down")
    timeout_seconds: float = Field(10.0, gt=0, le=60, description="longest that a text may take")
    retry_seconds: float = Field(30.0, ge=1, description="how long the bundled engine speaks after a failure")


class SpeechSettings(_Model):
    """Text to speech."""

    engine: Literal["espeak", "http"] = Field(
        "espeak", description="which engine speaks: the bundled one, or a server whose stand-in it is"
    )
    sample_rate: Literal[8000, 16000] = Field(
        16000, description="rate of the speech, hertz; 16000 is heard by legs that speak G.722 or Opus"
    )
    level_dbfs: float = Field(-20.0, ge=-40, le=-10, description="mean level of a prompt, dB below full scale")
    peak_dbfs: float = Field(-3.0, ge=-20, le=0, description="no sample is louder than this")
    cache_bytes: int = Field(256 * 2**20, ge=2**20, description="how much spoken text is kept on disk")
    espeak: EspeakSettings = EspeakSettings()
    http: HttpSpeechSettings = HttpSpeechSettings()

    @model_validator(mode="after")
    def _has_an_address(self) -> SpeechSettings:
        if self.engine == "http" and not (self.http.url_zh or self.http.url_en):
            raise ValueError("engine http needs http.url_zh or http.url_en")
        return self


class RecognitionServerSettings(_Model):
    """A recognition server that speaks the protocol of Vosk's (WebSocket); its model decides what it hears."""

    url: Annotated[str, Field(pattern=r"^wss?://[^\s/]+(/\S*)?$", max_length=500)] = Field(
        "ws://127.0.0.1:2700", description="where it is; callers' speech goes there, and nowhere else"
    )
    sample_rate: Literal[8000, 16000] = Field(8000, description="hertz that its model wants")


class RecognitionSettings(_Model):
    """Speech recognition."""

    engine_en: Literal["pocketsphinx", "server", "none"] = Field(
        "pocketsphinx", description="who hears English: the bundled engine, a server, or nobody"
    )
    engine_zh: Literal["server", "none"] = Field("none", description="who hears Mandarin")
    max_callers: int = Field(30, ge=1, le=1000, description="callers that one engine hears at once; others key")
    start_seconds: float = Field(10.0, gt=0, le=30, description="an engine that takes longer to begin is down")
    answer_seconds: float = Field(
        2.0, gt=0, le=5, description="from the caller's silence to what he said; slower ones are down"
    )
    restart_seconds: tuple[float, float] = Field(
        (0.5, 30.0), description="first and longest pause before a restart"
    )
    server: RecognitionServerSettings = RecognitionServerSettings()


class QuerySettings(_Model):
    """A named query; callers' input only ever reaches it as parameters."""

    source: Name = Field(description="name of the data source that is asked")
    sql: str = Field(max_length=20_000, description="one SELECT with $1, $2 … for the parameters, which are text")
    parameters: tuple[Name, ...] = Field((), max_length=20, description="names of $1, $2 … in this order")
    timeout_seconds: float = Field(3.0, gt=0, le=8, description="statement time-out; R10.3.1.7 allows 8 s in all")


class IvrSettings(_Model):
    """The IVR."""

    sounds_dir: Path | None = Field(None, description="where the files named by play nodes are")
    speech: SpeechSettings = SpeechSettings()
    recognition: RecognitionSettings = RecognitionSettings()
    queries: dict[Name, QuerySettings] = Field(default_factory=dict, description="named queries for flows")
