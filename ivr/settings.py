"""Settings of the IVR."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from ivr.engine_files import missing_ears, missing_voice
from ivr.numbers import Language
from ivr.sources.answers import PATH_PATTERN
from ivr.sources.templates import names_in

#: Name of the data source that is the platform's own database.
OWN_SOURCE = "platform"

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


class ModelSpeechSettings(_Model):
    """Voices with a model file that you supply, spoken by Piper or sherpa-onnx in a process of its own."""

    zh: Path | None = Field(
        None,
        description="the Mandarin voice: with piper its .onnx file, with the .onnx.json beside it; with sherpa "
        "the directory of a VITS model, with a lexicon. Without it the bundled engine speaks",
    )
    en: Path | None = Field(None, description="the English voice, likewise")
    python: Path | None = Field(
        None, description="the Python of the environment that the engine is installed in; else the platform's own"
    )
    speed: float = Field(1.0, ge=0.5, le=2, description="1 is the voice's own")
    threads: int = Field(1, ge=1, le=64, description="cores that one text may use")
    start_seconds: float = Field(30.0, gt=0, le=300, description="longest that the models may take to be loaded")
    timeout_seconds: float = Field(10.0, gt=0, le=60, description="a text that takes longer kills the engine")
    retry_seconds: float = Field(30.0, ge=1, description="how long the bundled engine speaks after a failure")
    restart_seconds: tuple[float, float] = Field(
        (0.5, 30.0), description="first and longest pause before a restart"
    )

    @property
    def paths(self) -> dict[Language, Path]:
        """The models by language."""
        given: dict[Language, Path | None] = {"zh": self.zh, "en": self.en}
        return {language: path for language, path in given.items() if path is not None}


class SpeechSettings(_Model):
    """Text to speech."""

    engine: Literal["espeak", "http", "piper", "sherpa"] = Field(
        "espeak",
        description="which engine speaks: the bundled one; or a server, or Piper or sherpa-onnx with the models "
        "of ivr.speech.model, whose stand-in it is",
    )
    sample_rate: Literal[8000, 16000] = Field(
        16000, description="rate of the speech, hertz; 16000 is heard by legs that speak G.722 or Opus"
    )
    level_dbfs: float = Field(-20.0, ge=-40, le=-10, description="mean level of a prompt, dB below full scale")
    peak_dbfs: float = Field(-3.0, ge=-20, le=0, description="no sample is louder than this")
    cache_bytes: int = Field(256 * 2**20, ge=2**20, description="how much spoken text is kept on disk")
    espeak: EspeakSettings = EspeakSettings()
    http: HttpSpeechSettings = HttpSpeechSettings()
    model: ModelSpeechSettings = ModelSpeechSettings()

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


class RecognitionModelSettings(_Model):
    """Models of recognisers that you supply; their engine runs in a process of its own."""

    zh: Path | None = Field(
        None,
        description="the Mandarin model: with vosk the directory of its model; with sherpa the directory of a "
        "streaming transducer (encoder, decoder, joiner, tokens.txt)",
    )
    en: Path | None = Field(None, description="the English model, likewise")
    sample_rate: Literal[8000, 16000] = Field(16000, description="hertz that the models want")
    threads: int = Field(1, ge=1, le=64, description="cores that sherpa-onnx may use for one caller")

    @property
    def paths(self) -> dict[Language, Path]:
        """The models by language."""
        given: dict[Language, Path | None] = {"zh": self.zh, "en": self.en}
        return {language: path for language, path in given.items() if path is not None}


class RecognitionSettings(_Model):
    """Speech recognition."""

    engine_en: Literal["pocketsphinx", "vosk", "sherpa", "server", "none"] = Field(
        "pocketsphinx",
        description="who hears English: the bundled engine; Vosk or sherpa-onnx with the model of "
        "ivr.recognition.model; a server; or nobody",
    )
    engine_zh: Literal["vosk", "sherpa", "server", "none"] = Field(
        "none", description="who hears Mandarin: Vosk or sherpa-onnx with a model, a server, or nobody"
    )
    max_callers: int = Field(30, ge=1, le=1000, description="callers that one engine hears at once; others key")
    start_seconds: float = Field(10.0, gt=0, le=30, description="an engine that takes longer to begin is down")
    answer_seconds: float = Field(
        2.0, gt=0, le=5, description="from the caller's silence to what he said; slower ones are down"
    )
    restart_seconds: tuple[float, float] = Field(
        (0.5, 30.0), description="first and longest pause before a restart"
    )
    server: RecognitionServerSettings = RecognitionServerSettings()
    model: RecognitionModelSettings = RecognitionModelSettings()

    @property
    def engines(self) -> dict[Language, str]:
        """Who hears which language."""
        return {"zh": self.engine_zh, "en": self.engine_en}


class BotSettings(_Model):
    """A voice bot: a program that talks with callers over a WebSocket, by the protocol of docs/packages/ivr.md."""

    url: Annotated[
        str, Field(pattern=r"^(wss?://[^\s/@]+(/\S*)?|unix:[A-Za-z0-9][A-Za-z0-9_.-]{0,40})$", max_length=500)
    ] = Field(
        description="ws:// or wss:// and a host; or unix: and the name of a socket in the run directory, of a "
        "program on this machine"
    )
    secret: SecretStr = Field(SecretStr(""), description="sent as its bearer token")
    networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        (), max_length=50, description="private networks that the host may be in; others are never connected to"
    )
    ca_file: Path | None = Field(
        None, description="PEM file of the authorities that may sign the bot's certificate; else the system's"
    )
    sample_rate: Literal[8000, 16000] = Field(16000, description="hertz of the sound both ways")
    start_seconds: float = Field(3.0, gt=0, le=8, description="a bot that takes longer to be ready is away")
    slow_seconds: float = Field(
        2.0, ge=0.5, le=10, description="a bot that takes no sound, or is no longer alive, for so long is slow"
    )
    max_buffered_seconds: float = Field(
        60.0, ge=1, le=600, description="most that it says ahead of what the caller heard; more is a fault"
    )
    max_turns: int = Field(200, ge=1, le=2000, description="most turns of a transcript; more are a fault")
    max_callers: int = Field(50, ge=1, le=1000, description="callers that it talks with at once; others fall back")

    @field_validator("secret")
    @classmethod
    def _one_line(cls, secret: SecretStr) -> SecretStr:
        if not secret.get_secret_value().isascii() or not (secret.get_secret_value() + "-").isprintable():
            raise ValueError("a bearer token is one line of ASCII")
        return secret


class QuerySettings(_Model):
    """A named query; callers' input only ever reaches it as parameters."""

    source: Name = Field(description="name of the data source that is asked")
    sql: str = Field(max_length=20_000, description="one SELECT with $1, $2 … for the parameters, which are text")
    parameters: tuple[Name, ...] = Field((), max_length=20, description="names of $1, $2 … in this order")
    timeout_seconds: float = Field(3.0, gt=0, le=8, description="statement time-out; R10.3.1.7 allows 8 s in all")
    cache_seconds: float = Field(0.0, ge=0, le=3600, description="how long a found row is kept; 0: never")


class SourceSettings(_Model):
    """Another PostgreSQL that queries ask; its role should be one that may only read."""

    url: SecretStr = Field(description="postgresql://user:password@host:port/database")
    max_connections: int = Field(5, ge=1, le=100, description="connections at once")
    acquire_seconds: float = Field(1.0, gt=0, le=8, description="how long a query waits for a free connection")
    slow_seconds: float = Field(1.0, gt=0, le=8, description="three slower answers in a row are an alarm")

    @field_validator("url")
    @classmethod
    def _postgres(cls, url: SecretStr) -> SecretStr:
        if urlsplit(url.get_secret_value()).scheme not in ("postgresql", "postgres"):
            raise ValueError("it begins with postgresql://")
        return url


_Header = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]
_Template = Annotated[str, Field(max_length=2000)]
_JsonPath = Annotated[str, Field(max_length=500, pattern=PATH_PATTERN)]


class ServiceSettings(_Model):
    """An HTTP service that requests ask: its host, and no other."""

    url: str = Field(max_length=500, description="scheme, host, port and the beginning of the path")
    headers: dict[_Header, SecretStr] = Field(
        default_factory=dict, max_length=20, description="sent with each request"
    )
    networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        (), max_length=50, description="private networks that the host may be in; others are never connected to"
    )
    max_connections: int = Field(10, ge=1, le=100, description="connections at once")
    max_bytes: int = Field(65_536, ge=100, le=2**20, description="largest answer that is read")
    slow_seconds: float = Field(1.0, gt=0, le=8, description="three slower answers in a row are an alarm")

    @field_validator("url")
    @classmethod
    def _http(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise ValueError("it is http:// or https:// and a host, without user and password")
        if parts.query or parts.fragment or any(sign in url for sign in "{}\\\r\n "):
            raise ValueError("it ends with the path, without query, fragment, templates or spaces")
        return url

    @field_validator("headers")
    @classmethod
    def _one_line(cls, headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, value in headers.items():
            if not value.get_secret_value().isascii() or not value.get_secret_value().isprintable():
                raise ValueError(f"{name}: a value is one line of ASCII")
        return headers


class RequestSettings(_Model):
    """A named request of a service; callers' input only ever reaches it as values in its templates."""

    service: Name = Field(description="name of the service that is asked")
    method: Literal["GET", "POST"] = Field("GET", description="how it is asked")
    path: _Template = Field(pattern=r"^/[^?#\\\s]*$", description="path with parameters: /accounts/{account}")
    query: dict[str, _Template] = Field(default_factory=dict, max_length=20, description="name → template")
    body: dict[str, _Template] = Field(
        default_factory=dict, max_length=50, description="fields of a JSON body: name → template"
    )
    results: dict[Name, _JsonPath] = Field(
        max_length=50, description="values of the answer: column → path, as in $.accounts[0].balance"
    )
    found: str = Field(
        "",
        max_length=500,
        pattern=rf"^$|{PATH_PATTERN}",
        description="path that holds something when it was found",
    )
    missing_status: tuple[Annotated[int, Field(ge=200, le=499)], ...] = Field(
        (404,), max_length=10, description="status codes that mean: there is none"
    )
    timeout_seconds: float = Field(3.0, gt=0, le=8, description="R10.3.1.7 allows 8 s in all")
    cache_seconds: float = Field(0.0, ge=0, le=3600, description="how long a found answer is kept; 0: never")

    @field_validator("path")
    @classmethod
    def _parameters_of_path(cls, path: str) -> str:
        names_in(path)
        return path

    @field_validator("query", "body")
    @classmethod
    def _parameters(cls, templates: dict[str, str]) -> dict[str, str]:
        for template in templates.values():
            names_in(template)
        return templates

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameters of its templates."""
        templates = (self.path, *self.query.values(), *self.body.values())
        return tuple(dict.fromkeys(name for template in templates for name in names_in(template)))


class UploadSettings(_Model):
    """Recorded prompts that people upload."""

    max_bytes: int = Field(20 * 2**20, ge=1024, le=200 * 2**20, description="largest file that is uploaded")
    max_seconds: float = Field(600.0, gt=0, le=3600, description="longest recording")


class IvrSettings(_Model):
    """The IVR."""

    sounds_dir: Path | None = Field(None, description="where the files named by play nodes are")
    speech: SpeechSettings = SpeechSettings()
    recognition: RecognitionSettings = RecognitionSettings()
    bots: dict[Name, BotSettings] = Field(default_factory=dict, description="voice bots that flows may name")
    uploads: UploadSettings = UploadSettings()
    sources: dict[Name, SourceSettings] = Field(
        default_factory=dict, description="other databases; platform is the platform's own"
    )
    services: dict[Name, ServiceSettings] = Field(default_factory=dict, description="HTTP services")
    queries: dict[Name, QuerySettings] = Field(default_factory=dict, description="named queries for flows")
    requests: dict[Name, RequestSettings] = Field(
        default_factory=dict, description="named requests for flows, which name them as they name queries"
    )

    def problems(self) -> Iterator[str]:
        """What names something that there is not, with its path."""
        yield from missing_voice(self.speech.engine, self.speech.model.paths, self.speech.model.python)
        yield from missing_ears(self.recognition.engines, self.recognition.model.paths)
        for name, query in self.queries.items():
            if query.source != OWN_SOURCE and query.source not in self.sources:
                reason = f"there is no such data source; the platform's own database is {OWN_SOURCE!r}"
                yield f"ivr.queries.{name}.source = {query.source!r}: {reason}"
        for name, request in self.requests.items():
            if request.service not in self.services:
                yield f"ivr.requests.{name}.service = {request.service!r}: there is no such service"
            if name in self.queries:
                yield f"ivr.requests.{name}: a query has this name already"
        for name in self.services.keys() & (self.sources.keys() | {OWN_SOURCE}):
            yield f"ivr.services.{name}: a data source has this name already"
        if OWN_SOURCE in self.sources:
            yield f"ivr.sources.{OWN_SOURCE}: this is the platform's own database"
