"""Whether the speech engines that a configuration names are on this machine: their library, their models."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from ivr.numbers import Language

#: Engine → its module. Their extras of this package have the engines' names.
LIBRARIES: Final = {"piper": "piper", "sherpa": "sherpa_onnx", "vosk": "vosk"}


def missing_voice(engine: str, models: Mapping[Language, Path], python: Path | None) -> Iterator[str]:
    """What a voice with a model still needs, each with its setting."""
    if engine not in LIBRARIES:
        return
    what = f"ivr.speech.engine = {engine!r}: not available: "
    if not models:
        yield f"{what}set ivr.speech.model.en or ivr.speech.model.zh to its model"
    for language, path in models.items():
        yield from _missing_model(f"ivr.speech.model.{language}", engine, path, is_file=engine == "piper")
    if python is None:
        yield from _missing_library(what, engine, "or set ivr.speech.model.python to the Python that has it")
    elif not os.access(python, os.X_OK):
        yield f"ivr.speech.model.python = {str(python)!r}: there is no such program"


def missing_ears(engines: Mapping[Language, str], models: Mapping[Language, Path]) -> Iterator[str]:
    """What recognisers with a model still need, each with its setting."""
    for language, engine in engines.items():
        if engine not in LIBRARIES:
            continue
        what = f"ivr.recognition.engine_{language} = {engine!r}: not available: "
        place = f"ivr.recognition.model.{language}"
        if language in models:
            yield from _missing_model(place, engine, models[language], is_file=False)
        else:
            yield f"{what}set {place} to its model"
        yield from _missing_library(what, engine, "")


def _missing_library(what: str, engine: str, otherwise: str) -> Iterator[str]:
    if find_spec(LIBRARIES[engine]) is None:
        yield f"{what}it is not installed: pip install 'ccplatform[{engine}]' {otherwise}".rstrip()


def _missing_model(place: str, engine: str, path: Path, *, is_file: bool) -> Iterator[str]:
    what = f"{place} = {str(path)!r}: "
    if is_file and not os.access(path, os.R_OK):
        yield f"{what}the file cannot be read"
    elif is_file and not os.access(f"{path}.json", os.R_OK):
        yield f"{what}{path.name}.json is not beside it, or cannot be read"
    elif not is_file and not path.is_dir():
        yield f"{what}there is no such directory; {engine} has its models in one"
