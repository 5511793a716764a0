"""Stand-ins for the libraries of speech engines, as modules in a directory for ``PYTHONPATH``.

They have what the platform uses of piper-tts 1.8, sherpa-onnx 2.0 and vosk 0.3.45
(``test_model_engines`` holds the real ones against them where they are installed), and say a tone for each text.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

ONNXRUNTIME: Final = """
class SessionOptions:
    intra_op_num_threads = inter_op_num_threads = 0
class InferenceSession:
    def __init__(self, path, sess_options, providers):
        assert sess_options.intra_op_num_threads == 1, "one text takes one core"
        if open(path, "rb").read() != b"model":
            raise RuntimeError(f"{path} is no model")
"""

PIPER: Final = """
import os, time
import numpy as np
class SynthesisConfig:
    def __init__(self, length_scale=None):
        self.length_scale = length_scale
class PiperConfig:
    @staticmethod
    def from_dict(told):
        made = PiperConfig()
        made.sample_rate = told["audio"]["sample_rate"]
        time.sleep(told.get("loads", 0))
        return made
class Chunk:
    def __init__(self, samples):
        self.audio_int16_bytes = samples.astype(np.int16).tobytes()
class PiperVoice:
    def __init__(self, session, config):
        self.config = config
    def synthesize(self, text, syn_config=None):
        print("a library that prints", flush=True)
        for part in text.split("."):
            if part == "crash":
                os._exit(3)
            t = np.arange(int(self.config.sample_rate * 0.4 * syn_config.length_scale))
            yield Chunk(8000 * np.sin(2 * np.pi * 500 * t / self.config.sample_rate))
"""

SHERPA: Final = """
import math
class OfflineTtsVitsModelConfig:
    def __init__(self, model, lexicon, tokens):
        self.model = model
class OfflineTtsModelConfig:
    def __init__(self, vits, num_threads=1):
        self.vits = vits
class OfflineTtsConfig:
    def __init__(self, model, rule_fsts=""):
        self.model = model
    def validate(self):
        return open(self.model.vits.model, "rb").read() == b"model"
class OfflineTts:
    sample_rate = 22050
    def __init__(self, config):
        pass
    def generate(self, text, sid=0, speed=1.0):
        self.samples = [0.3 * math.sin(2 * math.pi * 500 * t / 22050) for t in range(int(22050 * 0.4 / speed))]
        return self
class Stream:
    def __init__(self):
        self.heard, self.rate, self.over = 0.0, 0, False
    def accept_waveform(self, rate, samples):
        self.heard += len(samples) / rate
    def input_finished(self):
        self.over = True
class OnlineRecognizer:
    @classmethod
    def from_transducer(cls, tokens, encoder, decoder, joiner, sample_rate=16000, num_threads=2):
        assert ".int8." in encoder
        return cls()
    def create_stream(self, hotwords=None):
        return Stream()
    def is_ready(self, stream):
        return False
    def decode_stream(self, stream):
        raise AssertionError("nothing is ready")
    def get_result(self, stream):
        return "I WANT MY BALANCE PLEASE" if stream.over and stream.heard > 0.5 else ""
    def ys_probs(self, stream):
        return [math.log(0.9), math.log(0.4)]
"""

VOSK: Final = """
import json
def SetLogLevel(level):
    pass
class Model:
    def __init__(self, model_path=None):
        if not model_path.endswith("small"):
            raise Exception("Failed to create a model")
    def vosk_model_find_word(self, word):
        return -1 if word == "xyzzy" else 7
class KaldiRecognizer:
    def __init__(self, model, rate, grammar=None):
        self.rate, self.grammar, self.heard, self.most = rate, grammar, 0, 0
    def SetWords(self, on):
        pass
    def SetMaxAlternatives(self, most):
        self.most = most
    def Reset(self):
        self.heard = 0
    def AcceptWaveform(self, data):
        self.heard += len(data)
        return 0
    def Result(self):
        return self.FinalResult()
    def FinalResult(self):
        if self.heard < self.rate:
            return json.dumps({"text": ""})
        words = json.loads(self.grammar)[:2] if self.grammar else ["anything"]
        if self.most:
            told = [("[unk] " + words[0], 210.0), (words[0], 209.0), (words[-1], 205.0)]
            return json.dumps({"alternatives": [{"text": text, "confidence": score} for text, score in told]})
        return json.dumps({"text": words[0] + " [unk]", "result": [{"word": words[0], "conf": 0.75}]})
"""


def write_libraries(place: Path) -> None:
    """All of them, as modules in a directory."""
    for name, text in (("onnxruntime", ONNXRUNTIME), ("piper", PIPER), ("sherpa_onnx", SHERPA), ("vosk", VOSK)):
        (place / f"{name}.py").write_text(text, encoding="utf-8")
